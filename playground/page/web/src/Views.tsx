import { useEffect, useState } from "react";
import { Blocks } from "./Blocks";
import { usePage, useStateOfAll } from "./context";
import { Dialog } from "./Dialog";
import { Place } from "./Elements";
import { FillingContext, useFilling } from "./filling";
import { ask } from "./store";
import type { View } from "./types";

export function Modal({ view }: { view: View }) {
  const { me, fail } = usePage();
  const [errors, setErrors] = useState<Record<string, string>>({});
  const [busy, setBusy] = useState(false);
  const body = view.body;
  const filling = useFilling(errors);
  const close = async () => {
    const answer = await ask("close", { user: me, view: view.id });
    if (answer.error) fail(answer.error);
  };
  const submit = async () => {
    setBusy(true);
    const answer = await ask("submit", { user: me, view: view.id, values: filling.values() });
    setBusy(false);
    setErrors(answer.errors ?? {});
    if (answer.error) fail(answer.error);
  };
  return (
    <Dialog title={body.title.text} onClose={() => void close()} wide>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void submit();
        }}
      >
        <div className="body">
          <FillingContext.Provider value={filling}>
            <Place.Provider value={{ view: view.id }}>
              <Blocks blocks={body.blocks} />
            </Place.Provider>
          </FillingContext.Provider>
        </div>
        <footer>
          <button type="button" className="button" onClick={() => void close()}>
            {body.close?.text ?? (body.submit ? "Cancel" : "Close")}
          </button>
          {body.submit && (
            <button type="submit" className="button primary" disabled={busy} aria-busy={busy}>
              {body.submit.text}
            </button>
          )}
        </footer>
      </form>
    </Dialog>
  );
}

export function Home() {
  const { whole, me, fail } = usePage();
  const state = useStateOfAll();
  const tab = [...state.views.values()].find((each) => each.body.type === "home");
  const bot = whole.bot;
  useEffect(() => {
    if (!bot) return;
    void ask("home", { user: me }).then((answer) => answer.error && fail(answer.error));
  }, [me, bot]);
  return (
    <div className="scroll home" tabIndex={0} role="region" aria-label="App Home">
      <div className="inner">
        {tab ? (
          <Place.Provider value={{ view: tab.id }}>
            <Blocks blocks={tab.body.blocks} />
          </Place.Provider>
        ) : (
          <p className="empty">The bot has not published a home tab for you.</p>
        )}
      </div>
    </div>
  );
}
