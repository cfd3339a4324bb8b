// What the page shows is in the hash of its address: a reload and the back button keep it.

/** `#CHANNEL`, `#CHANNEL/THREAD` or `#home`; with `/TS` behind the thread, a message of it. */
export function placeOf(hash: string): [string, string, string] {
  const [place = "", thread = "", ts = ""] = hash.slice(1).split("/");
  return [place, thread, ts];
}

export function go(place: string) {
  window.location.hash = place;
}

/** Brings a message into view, if the page has it. */
export function sight(ts: string) {
  const found = document.querySelector(`[data-ts="${CSS.escape(ts)}"]`);
  found?.scrollIntoView({ block: "center" });
  found?.animate([{ background: "rgb(242 199 68 / 40%)" }, { background: "transparent" }], 2000);
}

// The permalink of a message of the emulated workspace.
const MESSAGE =
  /^https:\/\/emulated\.slack\.com\/archives\/(\w+)\/p(\d+)(\d{6})(?:\?thread_ts=([\d.]+)&.*)?$/;
const CHANNEL = /^https:\/\/emulated\.slack\.com\/archives\/(\w+)$/;

/** The place in this page of a message's permalink or a channel's; null for any other address. */
export function placeOfLink(url: string): string | null {
  const channel = CHANNEL.exec(url);
  if (channel) return `#${channel[1]}`;
  const found = MESSAGE.exec(url);
  return found && `#${found[1]}/${found[4] ?? ""}/${found[2]}.${found[3]}`;
}
