import { title } from "./Channel";
import { usePage, useStateOfAll } from "./context";
import { Avatar } from "./Message";
import type { User } from "./types";

interface Props {
  place: string;
  onUser: (user: string) => void;
  onLeave: () => void;
}

export function Sidebar({ place, onUser, onLeave }: Props) {
  const { whole, me } = usePage();
  const state = useStateOfAll();
  const names = new Map(whole.users.map((each) => [each.id, each.real_name]));
  const channels = [...state.channels.values()];
  const people = whole.users.filter((each) => !each.is_bot);
  const role = (of: User) =>
    whole.operators.includes(of.id) ? "operator" : of.is_guest ? "guest" : "viewer";
  const link = (to: string, words: string, sign: string, unread = 0) => (
    <li key={to}>
      <a
        href={`#${to}`}
        aria-current={place === to ? "page" : undefined}
        className={unread ? "unread" : undefined}
        onClick={onLeave}
      >
        <span aria-hidden="true">{sign}</span> {words}
        {unread > 0 && <em aria-label={`${unread} new`}>{unread}</em>}
      </a>
    </li>
  );
  return (
    <nav className="sidebar" aria-label="Workspace">
      <div className="brand">
        <img src="icon.svg" alt="" />
        <strong>Orochi</strong>
        <span>playground</span>
      </div>
      <label className="acting">
        Acting as
        <span>
          <Avatar of={whole.users.find((each) => each.id === me)} />
          <select value={me} data-acting onChange={(event) => onUser(event.target.value)}>
            {people.map((each) => (
              <option key={each.id} value={each.id}>
                {each.real_name}
                {whole.operators.length > 0 && ` · ${role(each)}`}
              </option>
            ))}
          </select>
        </span>
      </label>
      <h2>Channels</h2>
      <ul>
        {channels
          .filter((each) => !each.is_direct)
          .map((each) => link(each.id, each.name, each.is_private ? "🔒" : "#", state.unread.get(each.id)))}
      </ul>
      <h2>Direct messages</h2>
      <ul>
        {channels
          .filter((each) => each.is_direct)
          .map((each) => link(each.id, title(each, names), "●", state.unread.get(each.id)))}
      </ul>
      <h2>Apps</h2>
      <ul>{link("home", "Orochi Home", "⌂")}</ul>
      <p className={whole.bot && state.online ? "link up" : "link down"}>
        {!state.online ? "Reconnecting…" : whole.bot ? "Bot connected" : "No bot is connected"}
      </p>
    </nav>
  );
}
