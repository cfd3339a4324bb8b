// Interactive elements of messages, modals and home tabs. They are the page's own: the library's
// have no way to tell what was pressed.
import { createContext, useContext, useState, type KeyboardEvent } from "react";
import { Dialog } from "./Dialog";
import { ask } from "./store";
import { TextObject } from "./Text";
import { typed } from "./typing";
import { usePage } from "./context";
import { FillingContext } from "./filling";
import type { Json } from "./types";

/** The demo's own buttons, which type a command (playground/page/seen.py). */
const TRY = "demo.try";

/** Where elements stand: `{channel, ts}` of a message, or `{view}`. */
export const Place = createContext<Json>({});
/** The id of the block they stand in: only within it is an action's id the only one. */
export const BlockId = createContext("");

function useAction(element: Json) {
  const { me, fail } = usePage();
  const place = { ...useContext(Place), block_id: useContext(BlockId) };
  const filling = useContext(FillingContext);
  const [busy, setBusy] = useState(false);
  const [asking, setAsking] = useState<string | null | undefined>(undefined);
  const send = async (value: string | null) => {
    setBusy(true);
    const pressed = { action_id: element.action_id, value, values: filling.values() };
    const answer = await ask("press", { user: me, ...place, ...pressed });
    setBusy(false);
    if (answer.error) fail(answer.error);
  };
  const use = (value: string | null) => (element.confirm ? setAsking(value) : void send(value));
  const question = asking !== undefined && (
    <Confirm
      of={element.confirm}
      onAnswer={(yes) => {
        setAsking(undefined);
        if (yes) void send(asking);
      }}
    />
  );
  return { busy, use, question };
}

function Confirm({ of, onAnswer }: { of: Json; onAnswer: (yes: boolean) => void }) {
  return (
    <Dialog title={of.title.text} onClose={() => onAnswer(false)}>
      <div className="body">
        <TextObject of={of.text} />
      </div>
      <footer>
        <button type="button" className="button" data-first onClick={() => onAnswer(false)}>
          {of.deny.text}
        </button>
        <button
          type="button"
          className={`button ${of.style === "danger" ? "danger" : "primary"}`}
          onClick={() => onAnswer(true)}
        >
          {of.confirm.text}
        </button>
      </footer>
    </Dialog>
  );
}

export function Element({ element }: { element: Json }) {
  if (element.type === "button") return <Button element={element} />;
  if (element.type === "static_select") return <Select element={element} />;
  if (element.type === "overflow") return <Select element={element} overflow />;
  if (element.type === "radio_buttons") return <Radios element={element} />;
  if (element.type === "image") return <Picture element={element} />;
  return <span className="unsupported">The playground does not show “{element.type}”.</span>;
}

function Button({ element }: { element: Json }) {
  const { busy, use, question } = useAction(element);
  const press = () => (element.action_id?.startsWith(TRY) ? typed(element.value) : use(null));
  const look = `button ${element.style ?? ""}`;
  return (
    <>
      {element.url ? (
        <a className={look} href={element.url} target="_blank" rel="noreferrer">
          <TextObject of={element.text} />
        </a>
      ) : (
        <button
          type="button"
          className={look}
          aria-label={element.accessibility_label}
          aria-busy={busy}
          disabled={busy}
          data-action={element.action_id}
          onClick={press}
        >
          <TextObject of={element.text} />
        </button>
      )}
      {question}
    </>
  );
}

export function options(element: Json): Json[] {
  const grouped = (element.option_groups ?? []).flatMap((group: Json) => group.options);
  return [...(element.options ?? []), ...grouped];
}

/** Options as the browser shows them in a menu. */
export function Options({ element }: { element: Json }) {
  const line = (option: Json) => (
    <option key={option.value} value={option.value}>
      {option.text.text}
    </option>
  );
  return (
    <>
      {(element.options ?? []).map(line)}
      {(element.option_groups ?? []).map((group: Json) => (
        <optgroup key={group.label.text} label={group.label.text}>
          {group.options.map(line)}
        </optgroup>
      ))}
    </>
  );
}

// An arrow key on a closed menu would choose at once, and so act: it opens the menu instead.
function opensFirst(event: KeyboardEvent<HTMLSelectElement>) {
  if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    event.preventDefault();
    event.currentTarget.showPicker();
  }
}

function Select({ element, overflow }: { element: Json; overflow?: boolean }) {
  const { busy, use, question } = useAction(element);
  const label = element.placeholder?.text ?? (overflow ? "More" : "Choose");
  const chosen = overflow ? "" : (element.initial_option?.value ?? "");
  return (
    <>
      <select
        className={overflow ? "select overflow" : "select"}
        aria-label={label}
        aria-busy={busy}
        disabled={busy}
        data-action={element.action_id}
        value={chosen}
        onKeyDown={opensFirst}
        onChange={(event) => use(event.target.value)}
      >
        <option value="" disabled hidden>
          {overflow ? "⋯" : label}
        </option>
        <Options element={element} />
      </select>
      {question}
    </>
  );
}

function Radios({ element }: { element: Json }) {
  const { busy, use, question } = useAction(element);
  return (
    <span role="radiogroup" className="choices">
      {options(element).map((option) => (
        <label key={option.value}>
          <input
            type="radio"
            name={element.action_id}
            disabled={busy}
            checked={element.initial_option?.value === option.value}
            onChange={() => use(option.value)}
          />
          <TextObject of={option.text} />
        </label>
      ))}
      {question}
    </span>
  );
}

export function Picture({ element }: { element: Json }) {
  const file = element.slack_file?.id;
  const source = file ? `api/files/${file}` : element.image_url;
  return <img className="picture" src={source} alt={element.alt_text} />;
}
