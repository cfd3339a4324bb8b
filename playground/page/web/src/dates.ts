// Slack's date tokens in the reader's own zone and language.
// https://docs.slack.dev/messaging/formatting-message-text#date-formatting
const DAY = 86_400_000;

const FORMS: Record<string, Intl.DateTimeFormatOptions> = {
  date: { year: "numeric", month: "long", day: "numeric" },
  date_short: { year: "numeric", month: "short", day: "numeric" },
  date_long: { weekday: "long", year: "numeric", month: "long", day: "numeric" },
  date_slash: { year: "numeric", month: "2-digit", day: "2-digit" },
  time: { hour: "numeric", minute: "2-digit" },
  time_secs: { hour: "numeric", minute: "2-digit", second: "2-digit" },
};

export function formatted(format: string, seconds: number, now = new Date()): string {
  const at = new Date(seconds * 1000);
  return format.replace(/\{(\w+)\}/g, (whole, name: string) => field(name, at, now) ?? whole);
}

function field(name: string, at: Date, now: Date): string | null {
  if (name === "ago") return ago(at, now);
  if (name === "date_num") {
    const two = (value: number) => String(value).padStart(2, "0");
    return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
  }
  if (name.endsWith("_pretty")) {
    return nearDay(at, now) ?? field(name.slice(0, -"_pretty".length), at, now);
  }
  const form = FORMS[name];
  return form ? new Intl.DateTimeFormat(undefined, form).format(at) : null;
}

function nearDay(at: Date, now: Date): string | null {
  const days = Math.round((midnight(at) - midnight(now)) / DAY);
  return { "-1": "yesterday", "0": "today", "1": "tomorrow" }[String(days)] ?? null;
}

function midnight(at: Date): number {
  return new Date(at.getFullYear(), at.getMonth(), at.getDate()).getTime();
}

function ago(at: Date, now: Date): string {
  const seconds = Math.round((at.getTime() - now.getTime()) / 1000);
  const words = new Intl.RelativeTimeFormat(undefined, { numeric: "auto" });
  const units: [number, Intl.RelativeTimeFormatUnit][] = [
    [86_400, "day"],
    [3_600, "hour"],
    [60, "minute"],
  ];
  for (const [size, unit] of units) {
    if (Math.abs(seconds) >= size) return words.format(Math.trunc(seconds / size), unit);
  }
  return words.format(seconds, "second");
}

export function clock(ts: string): string {
  return formatted("{time}", Number(ts));
}

export function dayOf(ts: string): string {
  const words = formatted("{date_long_pretty}", Number(ts));
  return words.charAt(0).toUpperCase() + words.slice(1);
}
