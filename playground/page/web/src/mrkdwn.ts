// Slack's mrkdwn as the elements of a rich_text block, which the library draws.
//
// The library's own reading of mrkdwn leaves &amp; escaped, takes `verbatim` for "no formatting at
// all", and knows Markdown that Slack does not (headings, numbered lists), so that log lines would
// change their look. Rules: https://docs.slack.dev/messaging/formatting-message-text
import { get, has } from "node-emoji";
import { placeOfLink } from "./places";
import type { Json } from "./types";

export interface Reading {
  verbatim?: boolean;
}

const FENCE = /```([\s\S]*?)```/;
const TOKEN = /^<([^<>\n]+)>/;
const EMOJI = /^:([a-z0-9_+'-]+)(?:::skin-tone-[2-6])?:/;
const ADDRESS = /^https?:\/\/[^\s<>|]+[^\s<>|.,;:!?)\]}'"]/;
// The permalink of a file of the emulated workspace; the page has the file itself.
const FILE = /^https:\/\/emulated\.slack\.com\/files\/(\w+)\/.*$/;
const SAFE = /^(https?:|mailto:)/i;
const STYLES: Record<string, string> = { "*": "bold", _: "italic", "~": "strike" };
const WORD = /[\p{L}\p{N}_]/u;

export function richText(text: string, reading: Reading = {}): Json {
  return { type: "rich_text", elements: withoutFences(text, reading) };
}

/** Plain text knows emoji, and nothing else. */
export function withEmoji(text: string): string {
  return unescaped(text.replace(/:([a-z0-9_+'-]+):/g, (whole, name: string) => get(name) ?? whole));
}

export function unescaped(text: string): string {
  return text.replace(/&lt;/g, "<").replace(/&gt;/g, ">").replace(/&amp;/g, "&");
}

/** The words alone, for those who listen instead of look. */
export function spoken(text: string): string {
  return richText(text)
    .elements.flatMap((part: Json) => part.elements)
    .map((each: Json) => each.text ?? each.fallback ?? each.name ?? "")
    .join("")
    .trim();
}

function withoutFences(text: string, reading: Reading): Json[] {
  const found = FENCE.exec(text);
  if (!found) return paragraphs(text, reading);
  const before = text.slice(0, found.index).replace(/\n$/, "");
  const after = text.slice(found.index + found[0].length).replace(/^\n/, "");
  const shown = plainTokens(found[1]!.replace(/^\n/, "").replace(/\n$/, ""));
  const code = { type: "rich_text_preformatted", elements: [{ type: "text", text: shown || " " }] };
  return [
    ...(before ? paragraphs(before, reading) : []),
    code,
    ...(after ? withoutFences(after, reading) : []),
  ];
}

function paragraphs(text: string, reading: Reading): Json[] {
  const parts: { quote: boolean; lines: string[] }[] = [];
  for (const line of text.split("\n")) {
    const quote = /^(&gt;|>)/.test(line);
    const shown = quote ? line.replace(/^(&gt;|>) ?/, "") : line;
    const last = parts.at(-1);
    if (last && last.quote === quote) last.lines.push(shown);
    else parts.push({ quote, lines: [shown] });
  }
  return parts.map(({ quote, lines }) => {
    const elements = inline(lines.join("\n"), {}, reading);
    return quote ? { type: "rich_text_quote", elements } : section(elements);
  });
}

function section(elements: Json[]): Json {
  return { type: "rich_text_section", elements };
}

function inline(text: string, style: Json, reading: Reading): Json[] {
  const found: Json[] = [];
  let plain = "";
  const flush = () => {
    if (plain) found.push({ type: "text", text: unescaped(plain), style });
    plain = "";
  };
  let at = 0;
  while (at < text.length) {
    const next = piece(text, at, style, reading);
    if (next) {
      flush();
      found.push(...next.elements);
      at += next.length;
    } else {
      plain += text[at];
      at += 1;
    }
  }
  flush();
  return found;
}

type Piece = { elements: Json[]; length: number } | null;

function piece(text: string, at: number, style: Json, reading: Reading): Piece {
  const sign = text[at]!;
  if (sign === "`") return code(text, at, style);
  if (sign === "<") return token(text, at, style);
  if (sign === ":") return emoji(text, at);
  if (sign in STYLES) return styled(text, at, style, reading);
  if (sign === "h" && !reading.verbatim) return address(text, at, style);
  return null;
}

function code(text: string, at: number, style: Json): Piece {
  const found = /^`([^`\n]+)`/.exec(text.slice(at));
  if (!found) return null;
  const shown = plainTokens(found[1]!);
  return {
    elements: [{ type: "text", text: shown, style: { ...style, code: true } }],
    length: found[0].length,
  };
}

function styled(text: string, at: number, style: Json, reading: Reading): Piece {
  const sign = text[at]!;
  const before = text[at - 1];
  if (before !== undefined && (WORD.test(before) || before === sign)) return null;
  for (let end = text.indexOf(sign, at + 1); end > 0; end = text.indexOf(sign, end + 1)) {
    const within = text.slice(at + 1, end);
    if (within.includes("\n")) return null;
    const after = text[end + 1];
    const closes = within && !/^\s|\s$/.test(within) && !(after && WORD.test(after));
    if (closes && after !== sign) {
      const inner = { ...style, [STYLES[sign]!]: true };
      return { elements: inline(within, inner, reading), length: within.length + 2 };
    }
  }
  return null;
}

function emoji(text: string, at: number): Piece {
  const found = text[at] === ":" ? EMOJI.exec(text.slice(at)) : null;
  if (!found || !has(found[1]!)) return null;
  return { elements: [{ type: "emoji", name: found[1] }], length: found[0].length };
}

function address(text: string, at: number, style: Json): Piece {
  const before = text[at - 1];
  const found = before && WORD.test(before) ? null : ADDRESS.exec(text.slice(at));
  if (!found) return null;
  const url = unescaped(found[0]);
  return { elements: [{ type: "link", url, text: url, style }], length: found[0].length };
}

function token(text: string, at: number, style: Json): Piece {
  const found = TOKEN.exec(text.slice(at));
  return found && { elements: [meant(found[1]!, style)], length: found[0].length };
}

function meant(body: string, style: Json): Json {
  const bar = body.indexOf("|");
  const head = bar < 0 ? body : body.slice(0, bar);
  const label = bar < 0 ? "" : unescaped(body.slice(bar + 1));
  if (head.startsWith("@")) return { type: "user", user_id: head.slice(1), style };
  if (head.startsWith("#")) return { type: "channel", channel_id: head.slice(1), style };
  if (head.startsWith("!date^")) return date(head, label, style);
  if (head.startsWith("!subteam^")) {
    return { type: "usergroup", usergroup_id: head.slice(9), style };
  }
  if (/^!(here|channel|everyone)$/.test(head)) return { type: "broadcast", range: head.slice(1) };
  if (!SAFE.test(head)) return { type: "text", text: label || unescaped(head), style };
  const address = unescaped(head);
  const place = placeOfLink(address);
  const url = place
    ? new URL(place, window.location.href).href
    : address.replace(FILE, `${window.location.origin}/api/files/$1`);
  return { type: "link", url, text: label || url, style };
}

function date(head: string, fallback: string, style: Json): Json {
  const [, seconds, format] = head.split("^");
  if (!/^\d+$/.test(seconds ?? "") || !format) return { type: "text", text: fallback, style };
  return { type: "date", timestamp: Number(seconds), format, fallback, style };
}

function plainTokens(text: string): string {
  return unescaped(
    text.replace(/<([^<>\n]+)>/g, (whole, body: string) => {
      if (/^(https?:|mailto:)/.test(body)) return body.split("|").at(-1)!;
      return body.includes("|") ? body.split("|").at(-1)! : whole;
    }),
  );
}
