import { useCallback, useEffect, useMemo, useRef, useState, useSyncExternalStore } from "react";
import { createRoot } from "react-dom/client";
import "slack-blocks-to-jsx/dist/style.css";
import "./page.css";
import { Channel, Thread, title } from "./Channel";
import { PageContext, StateContext } from "./context";
import { spoken } from "./mrkdwn";
import { Panel } from "./Panel";
import { go, placeOf, sight } from "./places";
import { Sidebar } from "./Sidebar";
import { useWorkspace } from "./store";
import { Home, Modal } from "./Views";

type Theme = "light" | "dark";
type Side = "none" | "panel";

const DARK = window.matchMedia("(prefers-color-scheme: dark)");

function useSystemTheme(): Theme {
  const dark = useSyncExternalStore(
    (changed) => {
      DARK.addEventListener("change", changed);
      return () => DARK.removeEventListener("change", changed);
    },
    () => DARK.matches,
  );
  return dark ? "dark" : "light";
}

/** A choice of this browser tab, or of this browser (`lasting`), kept over a reload. */
function useKept<T extends string>(name: string, lasting = false) {
  const store = lasting ? localStorage : sessionStorage;
  const [value, setValue] = useState<T | null>(() => store.getItem(name) as T | null);
  const set = (next: T) => {
    store.setItem(name, next);
    setValue(next);
  };
  return [value, set] as const;
}

function usePlace(): [string, string, string] {
  const hash = useSyncExternalStore(
    (changed) => {
      window.addEventListener("hashchange", changed);
      return () => window.removeEventListener("hashchange", changed);
    },
    () => window.location.hash,
  );
  return placeOf(hash);
}

function App() {
  const [user, setUser] = useKept<string>("user");
  const [chosen, setTheme] = useKept<Theme>("theme", true);
  const [programs, setPrograms] = useState(false);
  const [side, setSide] = useState<Side>("none");
  const [menu, setMenu] = useState(false);
  const [failure, setFailure] = useState("");
  const system = useSystemTheme();
  const theme = chosen ?? system;
  const [wanted, thread, ts] = usePlace();
  const looking = useRef("");
  const [state, tell] = useWorkspace(user ?? "", looking);
  const fail = useCallback((sentence: string) => setFailure(sentence), []);

  const first = [...state.channels.values()][0]?.id ?? "";
  const place = wanted === "home" || state.channels.has(wanted) ? wanted : first;
  looking.current = place;

  useEffect(() => {
    document.documentElement.dataset.theme = theme;
  }, [theme]);
  useEffect(() => tell({ kind: "read", channel: place }), [place, state.messages.size]);
  useEffect(() => setFailure(""), [place]);

  const whole = state.whole;
  useEffect(() => {
    if (whole && ts) sight(ts);
  }, [place, thread, ts, whole !== null]);
  const channel = state.channels.get(place);
  const names = new Map(whole?.users.map((each) => [each.id, each.real_name]));
  const name = channel ? title(channel, names) : "Orochi Home";
  useEffect(() => {
    if (whole) document.title = `${name} · Orochi playground`;
  }, [name, whole]);
  const page = useMemo(
    () => whole && { whole, me: whole.user, theme, programs, fail },
    [whole, theme, programs, fail],
  );
  const openThread = useCallback((ts: string) => go(`${place}/${ts}`), [place]);
  if (!whole || !page) {
    return <p className="loading">{state.online ? "Loading…" : "The demo does not answer. Is it still running?"}</p>;
  }
  const modals = [...state.views.values()].filter((each) => each.body.type === "modal");
  const open = thread ? "thread" : side;
  return (
    <PageContext.Provider value={page}>
      <StateContext.Provider value={state}>
      <a className="skip" href="#composer" onClick={(event) => toComposer(event)}>
        Skip to the message box
      </a>
      <div className={`page ${menu ? "menu" : ""} ${open !== "none" ? "sided" : ""}`}>
        <Sidebar place={place} onUser={setUser} onLeave={() => setMenu(false)} />
        <main>
          <header className="top">
            <button
              type="button"
              className="icon burger"
              aria-label="Channels"
              aria-expanded={menu}
              onClick={() => setMenu(!menu)}
            >
              ☰
            </button>
            <h1>{name}</h1>
            <span className="tools">
              <Tool on={programs} onClick={() => setPrograms(!programs)} sign="{ }" words="What a program sees" />
              {whole.breakables.length > 0 && (
                <Tool
                  on={open === "panel"}
                  onClick={() => {
                    if (thread) go(place);
                    setSide(open === "panel" ? "none" : "panel");
                  }}
                  sign="⚡"
                  words="Break things"
                />
              )}
              <Tool
                on={theme === "dark"}
                onClick={() => setTheme(theme === "dark" ? "light" : "dark")}
                sign="◐"
                words="Dark"
              />
            </span>
          </header>
          {channel ? (
            <Channel key={channel.id} channel={channel} name={name} onThread={openThread} />
          ) : (
            <Home />
          )}
        </main>
        {open === "thread" && channel && <Thread channel={place} ts={thread} onClose={() => go(place)} />}
        {open === "panel" && <Panel onClose={() => setSide("none")} />}
      </div>
      {menu && <button type="button" className="shade" aria-label="Close the channels" onClick={() => setMenu(false)} />}
      {modals.map((each) => (
        <Modal key={each.id} view={each} />
      ))}
      <p className="hidden" role="status" data-news>
        {spoken(state.news)}
      </p>
      <Failure sentence={failure} onClose={() => setFailure("")} />
      </StateContext.Provider>
    </PageContext.Provider>
  );
}

function Tool(props: { on: boolean; onClick: () => void; sign: string; words: string }) {
  return (
    <button type="button" className="tool" aria-pressed={props.on} aria-label={props.words} title={props.words} onClick={props.onClick}>
      <span aria-hidden="true">{props.sign}</span> <b>{props.words}</b>
    </button>
  );
}

function Failure({ sentence, onClose }: { sentence: string; onClose: () => void }) {
  return (
    <div role="alert" className={sentence ? "failure" : "hidden"}>
      {sentence && (
        <>
          <span>{sentence}</span>
          <button type="button" className="icon" aria-label="Dismiss" onClick={onClose}>
            ✕
          </button>
        </>
      )}
    </div>
  );
}

function toComposer(event: { preventDefault: () => void }) {
  event.preventDefault();
  document.querySelector<HTMLElement>("[data-composer=channel]")?.focus();
}

createRoot(document.getElementById("root")!).render(<App />);
