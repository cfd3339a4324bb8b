import { useEffect, useMemo, useRef, useState } from "react";
import { INVITE } from "./complete";
import { Composer } from "./Composer";
import { usePage, useStateOfAll } from "./context";
import { dayOf } from "./dates";
import { Message } from "./Message";
import type { Channel as Conversation, Said } from "./types";
import { onSent } from "./typing";

const NONE: Said[] = [];
const MOST_SHOWN = 200;
const SAME_BREATH = 300;
const NEAR_THE_END = 80;

export function useMessages(channel: string): Said[] {
  const state = useStateOfAll();
  return useMemo(
    () =>
      [...state.messages.values()]
        .filter((each) => each.channel === channel)
        .sort((one, other) => Number(one.ts) - Number(other.ts)),
    [state.messages, channel],
  );
}

export const isReply = (said: Said) => said.thread_ts !== null && said.thread_ts !== said.ts;

export function title(channel: Conversation, names: Map<string, string>): string {
  if (!channel.is_direct) return `#${channel.name}`;
  return channel.with.map((each) => names.get(each) ?? each).join(", ") || "You";
}

/** Keeps the end in sight for who was there or sends something; others stay where they read. */
function useEnd(messages: Said[], place: string) {
  const list = useRef<HTMLDivElement>(null);
  const atEnd = useRef(true);
  const last = useRef(0);
  useEffect(() => {
    atEnd.current = true;
  }, [place]);
  const follow = () => {
    const box = list.current;
    if (!box || !atEnd.current) return;
    box.scrollTop = box.scrollHeight;
    last.current = box.scrollTop;
  };
  useEffect(() => {
    const box = list.current;
    if (!box) return;
    follow();
    const watch = new ResizeObserver(follow);
    watch.observe(box.firstElementChild!);
    watch.observe(box);
    return () => watch.disconnect();
  }, [place]);
  useEffect(follow, [messages]);
  useEffect(
    () =>
      onSent((to) => {
        if (to !== place) return;
        atEnd.current = true;
        follow();
      }),
    [place],
  );
  // A message that grows leaves the end behind without any scrolling: only who scrolls up leaves it.
  const onScroll = () => {
    const box = list.current!;
    const near = box.scrollHeight - box.scrollTop - box.clientHeight < NEAR_THE_END;
    if (near || box.scrollTop < last.current) atEnd.current = near;
    last.current = box.scrollTop;
  };
  return { list, onScroll };
}

export function Channel(props: {
  channel: Conversation;
  name: string;
  onThread: (ts: string) => void;
}) {
  const { channel, name, onThread } = props;
  const all = useMessages(channel.id);
  const [most, setMost] = useState(MOST_SHOWN);
  const roots = all.filter((each) => !isReply(each) || each.broadcast);
  const shown = roots.slice(-most);
  const replies = useMemo(() => threads(all), [all]);
  const { list, onScroll } = useEnd(all, channel.id);
  return (
    <>
      <div className="scroll" ref={list} onScroll={onScroll} tabIndex={0} aria-label={`Messages in ${name}`} role="region">
        <div className="inner">
          {shown.length < roots.length ? (
            <p className="earlier">
              <button type="button" className="button" onClick={() => setMost(most + MOST_SHOWN)}>
                Show earlier messages
              </button>
            </p>
          ) : (
            <Beginning name={name} channel={channel} />
          )}
          <ol className="messages">
            {shown.map((said, index) => (
              <Line
                key={said.ts}
                said={said}
                before={shown[index - 1]}
                replies={replies.get(said.ts) ?? NONE}
                onThread={onThread}
              />
            ))}
          </ol>
        </div>
      </div>
      <Composer key={channel.id} channel={channel.id} label={`Message ${name}`} />
    </>
  );
}

function threads(all: Said[]): Map<string, Said[]> {
  const found = new Map<string, Said[]>();
  for (const said of all.filter(isReply)) {
    const root = said.thread_ts!;
    found.set(root, [...(found.get(root) ?? []), said]);
  }
  return found;
}

function Beginning({ name, channel }: { name: string; channel: Conversation }) {
  const { whole } = usePage();
  return (
    <div className="beginning">
      <h2>{name}</h2>
      <p>
        {channel.is_direct ? "This is between the two of you. " : "This is where the channel begins. "}
        Type <code>{whole.command}</code> below to see what the bot can do.
      </p>
      {!channel.has_app && (
        <p>
          The bot is not in this channel: its answers are for you alone. To add it, type{" "}
          <code>{INVITE}</code>.
        </p>
      )}
    </div>
  );
}

function Line(props: {
  said: Said;
  before: Said | undefined;
  replies: Said[];
  onThread: (ts: string) => void;
}) {
  const { said, before, replies, onThread } = props;
  const newDay = !before || dayOf(before.ts) !== dayOf(said.ts);
  const follows =
    !newDay &&
    before.user === said.user &&
    before.only_for === said.only_for &&
    Number(said.ts) - Number(before.ts) < SAME_BREATH &&
    said.blocks.length === 0 &&
    before.blocks.length === 0;
  return (
    <>
      {newDay && (
        <li className="day">
          <span>{dayOf(said.ts)}</span>
        </li>
      )}
      <Message said={said} follows={follows} replies={replies} onThread={said.only_for ? undefined : onThread} />
    </>
  );
}

export function Thread({ channel, ts, onClose }: { channel: string; ts: string; onClose: () => void }) {
  const all = useMessages(channel);
  const shown = all.filter((each) => each.ts === ts || each.thread_ts === ts);
  const { list, onScroll } = useEnd(shown, ts);
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => heading.current?.focus(), [ts]);
  return (
    <aside className="side" aria-label="Thread">
      <header>
        <h2 tabIndex={-1} ref={heading}>
          Thread
        </h2>
        <button type="button" className="icon" aria-label="Close the thread" onClick={onClose}>
          ✕
        </button>
      </header>
      <div className="scroll" ref={list} onScroll={onScroll} tabIndex={0} aria-label="Messages in the thread" role="region">
        <div className="inner">
          {shown.length === 0 && <p className="empty">This message no longer exists.</p>}
          <ol className="messages">
            {shown.map((said) => (
              <Message key={said.ts} said={said} />
            ))}
          </ol>
        </div>
      </div>
      <Composer key={ts} channel={channel} thread={ts} label="Reply" />
    </aside>
  );
}
