import { useEffect, useId, useRef, useState, type KeyboardEvent } from "react";
import { halfTyped, suggestions, type Known, type Suggestion } from "./complete";
import { usePage, useStateOfAll } from "./context";
import { ask } from "./store";
import { onTyped, sent as tellSent } from "./typing";
import type { Names } from "./types";

const NO_NAMES: Names = { services: [], stacks: [], nodes: [] };
const READABLE = 600; // milliseconds, for a command that a button typed

interface Props {
  channel: string;
  label: string;
  thread?: string;
}

export function Composer({ channel, label, thread = "" }: Props) {
  const { whole, me, fail } = usePage();
  const [text, setText] = useState("");
  const [open, setOpen] = useState(false);
  const [moved, setMoved] = useState<number | null>(null);
  const sent = useRef<string[]>([]);
  const back = useRef(0);
  const box = useRef<HTMLTextAreaElement>(null);
  const list = useId();
  const [names, setNames] = useState(NO_NAMES);
  const here = useStateOfAll().channels.get(channel);
  const invites = here ? !here.has_app : false;
  const known: Known = { command: whole.command, rows: whole.commands, names, invites };
  const offers = open && !thread ? suggestions(text, known) : [];
  const active = moved ?? (offers.length > 0 && halfTyped(text, known) ? 0 : -1);
  const commanding = !thread && text.startsWith(`${whole.command} `);

  useEffect(() => grow(box.current), [text]);
  useEffect(() => {
    if (!commanding) return;
    const asked = fetch("api/names").then((answer) => (answer.ok ? answer.json() : NO_NAMES));
    void asked.catch(() => NO_NAMES).then(setNames);
  }, [commanding]);

  const type = (typed: string) => {
    setText(typed);
    setOpen(true);
    setMoved(null);
  };
  const fill = (chosen: Suggestion) => {
    setText(chosen.fill);
    setMoved(-1);
    setOpen(!chosen.done);
    box.current?.focus();
  };
  const send = async (given = text) => {
    const typed = given.trim();
    if (!typed) return;
    sent.current.push(typed);
    back.current = 0;
    setText("");
    setOpen(false);
    tellSent(thread || channel);
    const answer = await ask("type", { user: me, channel, text: typed, thread });
    if (answer.error) {
      fail(answer.error);
      setText((now) => now || typed);
    }
  };
  const latest = useRef(send);
  latest.current = send;
  useEffect(() => {
    if (thread) return;
    let soon = 0;
    const forget = onTyped((command) => {
      setText(command);
      setOpen(false);
      window.clearTimeout(soon);
      soon = window.setTimeout(() => void latest.current(command), READABLE);
    });
    return () => {
      window.clearTimeout(soon);
      forget();
    };
  }, [thread]);
  const earlier = (step: number) => {
    const place = back.current + step;
    if (place < 0 || place > sent.current.length) return;
    back.current = place;
    setText(place ? sent.current.at(-place)! : "");
    setOpen(false);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const chosen = offers[active];
    if (event.key === "Enter" && !event.shiftKey && !event.nativeEvent.isComposing) {
      event.preventDefault();
      if (chosen) fill(chosen);
      else void send();
    } else if (event.key === "Tab" && !event.shiftKey && chosen) {
      event.preventDefault();
      fill(chosen);
    } else if (event.key === "Escape") {
      setOpen(false);
    } else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      const step = event.key === "ArrowDown" ? 1 : -1;
      if (offers.length) {
        event.preventDefault();
        setMoved((active + step + offers.length + (active < 0 && step < 0 ? 1 : 0)) % offers.length);
      } else if (!text || back.current) {
        event.preventDefault();
        earlier(-step);
      }
    }
  };
  return (
    <form
      className="composer"
      onSubmit={(event) => {
        event.preventDefault();
        void send();
      }}
    >
      {offers.length > 0 && (
        <Offers id={list} offers={offers} active={active} onChoose={fill} />
      )}
      <textarea
        ref={box}
        rows={1}
        value={text}
        placeholder={label}
        aria-label={label}
        role="combobox"
        aria-expanded={offers.length > 0}
        aria-controls={list}
        aria-autocomplete="list"
        aria-activedescendant={offers[active] ? `${list}-${active}` : undefined}
        autoComplete="off"
        spellCheck={false}
        data-composer={thread ? "thread" : "channel"}
        onChange={(event) => type(event.target.value)}
        onKeyDown={onKeyDown}
        onBlur={() => setOpen(false)}
      />
      <button type="submit" className="send" aria-label="Send" disabled={!text.trim()}>
        <svg viewBox="0 0 20 20" aria-hidden="true">
          <path d="M2 3.2 18 10 2 16.800l1.800-5.600L11 10 3.800 8.800z" fill="currentColor" />
        </svg>
      </button>
    </form>
  );
}

function grow(box: HTMLTextAreaElement | null) {
  if (!box) return;
  box.style.height = "auto";
  box.style.height = `${Math.min(box.scrollHeight, 160)}px`;
}

/** What stands between backticks is code. */
function inCode(text: string) {
  return text.split("`").map((part, index) => (index % 2 ? <kbd key={index}>{part}</kbd> : part));
}

function Offers(props: {
  id: string;
  offers: Suggestion[];
  active: number;
  onChoose: (chosen: Suggestion) => void;
}) {
  useEffect(() => {
    document.getElementById(`${props.id}-${props.active}`)?.scrollIntoView({ block: "nearest" });
  }, [props.id, props.active]);
  return (
    <ul className="offers" id={props.id} role="listbox" aria-label="Commands">
      {props.offers.map((each, index) => (
        <li
          key={each.label}
          id={`${props.id}-${index}`}
          role="option"
          aria-selected={index === props.active}
          // The text keeps the focus.
          onMouseDown={(event) => event.preventDefault()}
          onClick={() => props.onChoose(each)}
        >
          <code>{each.label}</code>
          <span className={each.label.startsWith("/") ? undefined : "kind"}>{inCode(each.about)}</span>
          {each.changes && <small>operators</small>}
        </li>
      ))}
    </ul>
  );
}
