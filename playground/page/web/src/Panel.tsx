// Things to break, each named and explained by who built the demo.
import { useEffect, useId, useRef, useState } from "react";
import { usePage } from "./context";
import { ask } from "./store";
import type { Breakable } from "./types";

export function Panel({ onClose }: { onClose: () => void }) {
  const { whole } = usePage();
  const [listed, setListed] = useState(whole.breakables);
  const heading = useRef<HTMLHeadingElement>(null);
  const refresh = async () => {
    const answer = await fetch("api/breakables").catch(() => null);
    if (answer?.ok) setListed(await answer.json());
  };
  useEffect(() => {
    heading.current?.focus();
    void refresh();
  }, []);
  const broken = listed.filter((each) => !each.mends);
  const mending = listed.filter((each) => each.mends);
  return (
    <aside className="side" aria-label="Break things">
      <header>
        <h2 tabIndex={-1} ref={heading}>
          Break things
        </h2>
        <button type="button" className="icon" aria-label="Close the panel" onClick={onClose}>
          ✕
        </button>
      </header>
      <div className="scroll">
        <p className="lead">Then watch what the bot says.</p>
        {broken.map((each) => (
          <Action key={each.name} of={each} onDone={refresh} />
        ))}
        {mending.length > 0 && <h3>Put it right</h3>}
        {mending.map((each) => (
          <Action key={each.name} of={each} onDone={refresh} />
        ))}
      </div>
    </aside>
  );
}

function Action({ of, onDone }: { of: Breakable; onDone: () => Promise<void> }) {
  const [values, setValues] = useState<Record<string, string>>({});
  const [said, setSaid] = useState("");
  const [busy, setBusy] = useState(false);
  const id = useId();
  const value = (each: Breakable["parameters"][number]) =>
    values[each.name] ?? (each.initial || each.choices[0] || "");
  const go = async () => {
    setBusy(true);
    const chosen = Object.fromEntries(of.parameters.map((each) => [each.name, value(each)]));
    const answer = await ask("break", { name: of.name, values: chosen });
    setBusy(false);
    setSaid(answer.error ?? answer.done);
    await onDone();
  };
  return (
    <form
      className="breakable"
      onSubmit={(event) => {
        event.preventDefault();
        void go();
      }}
    >
      {of.parameters.map((each) => {
        const shared = {
          id: `${id}-${each.name}`,
          className: "input",
          value: value(each),
          onChange: (event: { target: { value: string } }) =>
            setValues({ ...values, [each.name]: event.target.value }),
        };
        return (
          <label key={each.name} htmlFor={shared.id}>
            {each.label}
            {each.choices.length > 0 ? (
              <select {...shared}>
                {each.choices.map((choice) => (
                  <option key={choice}>{choice}</option>
                ))}
              </select>
            ) : (
              <input {...shared} />
            )}
          </label>
        );
      })}
      <button type="submit" className={of.mends ? "button" : "button danger"} disabled={busy} data-break={of.name}>
        {of.label}
      </button>
      {of.help && <p>{of.help}</p>}
      <p role="status" className="said">
        {said}
      </p>
    </form>
  );
}
