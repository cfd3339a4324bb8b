import { memo, useMemo } from "react";
import { Blocks } from "./Blocks";
import { clock, formatted } from "./dates";
import { Place } from "./Elements";
import { Mrkdwn } from "./Text";
import { usePage } from "./context";
import { FillingContext, useFilling } from "./filling";
import type { Attached, Json, Said, User } from "./types";

const NONE: Said[] = [];
const HUES = [205, 340, 25, 265, 145, 45];

export function Avatar({ of }: { of: User | undefined }) {
  if (!of || of.is_app) return <img className="avatar" src="icon.svg" alt="" />;
  const hue = HUES[[...of.id].reduce((sum, sign) => sum + sign.charCodeAt(0), 0) % HUES.length];
  const look = { background: `hsl(${hue} 45% 40%)` };
  return (
    <span className="avatar" style={look} aria-hidden="true">
      {of.real_name.charAt(0)}
    </span>
  );
}

interface Props {
  said: Said;
  follows?: boolean;
  replies?: Said[];
  onThread?: (ts: string) => void;
}

export const Message = memo(function Message({ said, follows, replies = NONE, onThread }: Props) {
  const { whole, programs } = usePage();
  const who = whole.users.find((each) => each.id === said.user);
  const name = who?.real_name ?? said.user;
  const classes = ["message", follows && "follows", said.only_for && "private"];
  return (
    <li className={classes.filter(Boolean).join(" ")} data-ts={said.ts}>
      <article aria-label={`${name}, ${clock(said.ts)}`}>
        {said.only_for && <p className="only">👁 Only visible to you</p>}
        {follows ? (
          <span className="gutter" aria-hidden="true">
            <Time of={said.ts} />
          </span>
        ) : (
          <Avatar of={who} />
        )}
        <div className="content">
          {!follows && (
            <p className="who">
              <b>{name}</b>
              {who?.is_bot && <span className="app">APP</span>}
              <Time of={said.ts} />
            </p>
          )}
          <Content said={said} />
          {said.files.map((each) => (
            <Upload key={each.id} file={each} />
          ))}
          {programs && <Program said={said} />}
          {onThread && <Replies said={said} replies={replies} onThread={onThread} />}
        </div>
      </article>
    </li>
  );
});

function Time({ of }: { of: string }) {
  const at = Number(of);
  const whole = formatted("{date_long} {time_secs}", at);
  return (
    <time dateTime={new Date(at * 1000).toISOString()} title={whole}>
      {clock(of)}
    </time>
  );
}

function Content({ said }: { said: Said }) {
  const edited = said.edited !== null && <small className="edited">(edited)</small>;
  const place = useMemo(() => ({ channel: said.channel, ts: said.ts }), [said.channel, said.ts]);
  const filling = useFilling();
  const blocks = (
    <FillingContext.Provider value={filling}>
      <Blocks blocks={said.blocks} />
    </FillingContext.Provider>
  );
  return (
    <Place.Provider value={place}>
      {said.blocks.length > 0 ? blocks : said.text && <Mrkdwn text={said.text} />}
      {said.attachments.map((each, index) => (
        <Attachment key={index} of={each} />
      ))}
      {edited}
    </Place.Provider>
  );
}

function Attachment({ of }: { of: Json }) {
  const bar = /^#?[0-9a-f]{6}$/i.test(of.color ?? "") ? `#${of.color.replace("#", "")}` : undefined;
  return (
    <div className="attachment" style={{ borderColor: bar }}>
      {of.title && <b>{of.title}</b>}
      {of.blocks ? <Blocks blocks={of.blocks} /> : <Mrkdwn text={of.text ?? of.fallback ?? ""} />}
    </div>
  );
}

function size(bytes: number): string {
  if (bytes < 1024) return `${bytes} bytes`;
  if (bytes < 1024 * 1024) return `${(bytes / 1024).toFixed(1)} KB`;
  return `${(bytes / 1024 / 1024).toFixed(1)} MB`;
}

function Upload({ file }: { file: Attached }) {
  const source = `api/files/${file.id}`;
  return (
    <figure className="upload">
      <figcaption>
        <a href={source} download={file.name}>
          {file.title}
        </a>{" "}
        <small>
          {file.name}, {size(file.size)}
        </small>
      </figcaption>
      {file.picture && (
        <a href={source} target="_blank" rel="noreferrer" aria-label={`${file.title} in full size`}>
          <img src={source} alt={file.alt} />
        </a>
      )}
    </figure>
  );
}

function Program({ said }: { said: Said }) {
  const seen = { ts: said.ts, text: said.text, metadata: said.metadata };
  return (
    <div className="program">
      <p>What a program sees</p>
      {/* Long lines scroll: the keyboard has to get there. */}
      <pre tabIndex={0}>{JSON.stringify(seen, null, 2)}</pre>
    </div>
  );
}

function Replies({ said, replies, onThread }: Required<Omit<Props, "follows">>) {
  const count = replies.length;
  const last = replies.at(-1);
  return (
    <p className={count ? "replies" : "replies none"}>
      <button type="button" onClick={() => onThread(said.ts)}>
        {count === 0 ? "Reply in thread" : count === 1 ? "1 reply" : `${count} replies`}
      </button>
      {last && <span>last at {clock(last.ts)}</span>}
    </p>
  );
}
