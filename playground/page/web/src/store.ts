// The page's state: what the server told, kept up to date by its events.
import { useEffect, useReducer } from "react";
import type { Channel, Json, Said, View, Whole } from "./types";

export interface State {
  whole: Whole | null;
  messages: Map<string, Said>;
  views: Map<string, View>;
  channels: Map<string, Channel>;
  unread: Map<string, number>;
  online: boolean;
  news: string;
}

type Told =
  | { kind: "state"; data: Whole }
  | { kind: "message"; data: { message: Said; channel: Channel }; looking: string }
  | { kind: "gone"; data: { channel: string; ts: string } }
  | { kind: "view"; data: View }
  | { kind: "closed"; data: { id: string } }
  | { kind: "connection"; data: { bot: boolean } }
  | { kind: "read"; channel: string }
  | { kind: "online"; online: boolean };

export const key = (said: { channel: string; ts: string }) => `${said.channel} ${said.ts}`;

const NOTHING: State = {
  whole: null,
  messages: new Map(),
  views: new Map(),
  channels: new Map(),
  unread: new Map(),
  online: true,
  news: "",
};

function begin(state: State, whole: Whole): State {
  const same = state.whole?.user === whole.user;
  return {
    ...state,
    whole,
    online: true,
    messages: new Map(whole.messages.map((each) => [key(each), each])),
    views: new Map(whole.views.map((each) => [each.id, each])),
    channels: new Map(whole.channels.map((each) => [each.id, each])),
    unread: same ? state.unread : new Map(),
  };
}

function take(state: State, said: Said, channel: Channel, looking: string): State {
  const before = state.messages.get(key(said));
  if (before && before.revision > said.revision) return state;
  const messages = new Map(state.messages).set(key(said), said);
  const channels = state.channels.get(channel.id)?.has_app === channel.has_app
    ? state.channels
    : new Map(state.channels).set(channel.id, channel);
  const unread = new Map(state.unread);
  const own = said.user === state.whole?.user;
  if (!before && !own && said.channel !== looking) {
    unread.set(said.channel, (unread.get(said.channel) ?? 0) + 1);
  }
  const changed = !before || before.text !== said.text;
  const who = state.whole?.users.find((each) => each.id === said.user)?.real_name ?? "";
  const news = changed && !own && said.channel === looking ? `${who}: ${said.text}` : state.news;
  return { ...state, messages, channels, unread, news };
}

function reduce(state: State, told: Told): State {
  switch (told.kind) {
    case "state":
      return begin(state, told.data);
    case "message":
      return take(state, told.data.message, told.data.channel, told.looking);
    case "gone": {
      const messages = new Map(state.messages);
      messages.delete(key(told.data));
      return { ...state, messages };
    }
    case "view":
      return { ...state, views: new Map(state.views).set(told.data.id, told.data) };
    case "closed": {
      const views = new Map(state.views);
      views.delete(told.data.id);
      return { ...state, views };
    }
    case "connection":
      return state.whole ? { ...state, whole: { ...state.whole, bot: told.data.bot } } : state;
    case "read": {
      const unread = new Map(state.unread);
      unread.delete(told.channel);
      return { ...state, unread };
    }
    case "online":
      return { ...state, online: told.online };
  }
}

export function useWorkspace(user: string, looking: { current: string }) {
  const [state, tell] = useReducer(reduce, NOTHING);
  useEffect(() => {
    const source = new EventSource(`events?user=${encodeURIComponent(user)}`);
    const on = (kind: "state" | "message" | "gone" | "view" | "closed" | "connection") =>
      source.addEventListener(kind, (event) =>
        tell({ kind, data: JSON.parse(event.data), looking: looking.current } as Told),
      );
    (["state", "message", "gone", "view", "closed", "connection"] as const).forEach(on);
    source.onopen = () => tell({ kind: "online", online: true });
    source.onerror = () => tell({ kind: "online", online: false });
    // A page that the browser keeps for its back button would hold one of six connections.
    const leave = () => source.close();
    const comeBack = (event: PageTransitionEvent) => event.persisted && window.location.reload();
    window.addEventListener("pagehide", leave);
    window.addEventListener("pageshow", comeBack);
    return () => {
      source.close();
      window.removeEventListener("pagehide", leave);
      window.removeEventListener("pageshow", comeBack);
    };
  }, [user, looking]);
  return [state, tell] as const;
}

/** Asks the server for an action; a refusal comes back as `error`, a sentence. */
export async function ask(action: string, body: Json): Promise<Json> {
  try {
    const answer = await fetch(`api/${action}`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
    });
    if (answer.ok) return await answer.json();
    return { error: (await answer.text()) || `The server answered ${answer.status}.` };
  } catch {
    return { error: "The demo does not answer. Is it still running?" };
  }
}
