// What may be meant by what was typed so far: the bot's own commands, and the names of the swarm.
import type { Names, Row } from "./types";

export interface Known {
  command: string;
  rows: Row[];
  names: Names;
  invites: boolean; // the bot is not in this channel
}

export interface Suggestion {
  fill: string;
  label: string;
  about: string;
  changes: boolean;
  done: boolean; // a whole command: nothing is to be added
}

export const INVITE = "/invite @orochi";

const MOST = 12;
const ROLES = ["worker", "manager"];

export function suggestions(typed: string, known: Known): Suggestion[] {
  const { command, rows } = known;
  if (!typed.startsWith("/")) return [];
  if (!typed.startsWith(`${command} `)) {
    const all = command.startsWith(typed) ? rows.map((row) => offered(row, command)) : [];
    return known.invites && INVITE.startsWith(typed) && INVITE !== typed ? [INVITATION, ...all] : all;
  }
  const rest = typed.slice(command.length + 1).trimStart();
  const [word = "", ...more] = rest.split(" ");
  const exact = rows.find((row) => row.name === word.toLowerCase());
  if (more.length === 0 && !exact) {
    return meant(word.toLowerCase(), rows).map((row) => offered(row, command));
  }
  if (!exact) return [];
  const shown = more.length > 0 ? words(exact, known, more).slice(0, MOST) : [];
  const added = shown.map((each) => withWord(each, typed, kindOf(each, known.names)));
  return [...added, ...examples(exact, command, rest)];
}

const INVITATION: Suggestion = {
  fill: INVITE,
  label: INVITE,
  about: "Add the bot to this channel.",
  changes: false,
  done: true,
};

/** Whether a word is half typed, so that Enter completes it instead of sending. */
export function halfTyped(typed: string, known: Known): boolean {
  const { command, rows } = known;
  if (!typed.startsWith(`${command} `)) {
    return typed.length > 1 && typed !== command && command.startsWith(typed);
  }
  const [word = "", ...more] = typed.slice(command.length + 1).trimStart().split(" ");
  const exact = rows.find((row) => row.name === word.toLowerCase());
  if (more.length === 0) return word !== "" && !exact;
  const part = more.at(-1)!;
  const found = exact && part ? words(exact, known, more) : [];
  return found.length > 0 && found[0]!.startsWith(part) && !found.includes(part);
}

function offered(row: Row, command: string): Suggestion {
  const done = row.usage === row.name;
  return {
    fill: `${command} ${row.name}${done ? "" : " "}`,
    label: `${command} ${row.usage}`,
    about: row.summary,
    changes: row.changes,
    done,
  };
}

function meant(word: string, rows: Row[]): Row[] {
  const begins = rows.filter((row) => row.name.startsWith(word));
  const also = rows.filter((row) => row.also.some((each) => each.startsWith(word)));
  return [...begins, ...also.filter((row) => word && !begins.includes(row))];
}

/** The words that may stand in the place of the last one: names, then the command's options. */
function words(row: Row, known: Known, typed: string[]): string[] {
  const part = typed.at(-1)!;
  const before = typed.slice(0, -1);
  if (before.includes("--")) return []; // a command within a container
  const names = named(row.usage, known);
  const open = before.some((each) => names.includes(each)) ? [] : names;
  const options = (row.usage.match(/--[a-z][a-z-]*/g) ?? []).filter((each) => !before.includes(each));
  const begins = open.filter((each) => each.startsWith(part));
  const within = open.filter((each) => part && each.includes(part) && !begins.includes(each));
  return [...begins, ...within, ...options.filter((each) => each.startsWith(part))].filter(
    (each) => each !== part,
  );
}

function named(usage: string, { rows, names }: Known): string[] {
  const has = (word: string) => new RegExp(`\\b${word}\\b`).test(usage);
  return [
    ...(has("SERVICE") ? names.services : []),
    ...(has("STACK") ? names.stacks : []),
    ...(has("NODE") ? names.nodes : []),
    ...(has("COMMAND") && usage.startsWith("help") ? rows.map((each) => each.name) : []),
    ...(has("ROLE") ? ROLES : []),
  ];
}

function withWord(word: string, typed: string, about: string): Suggestion {
  const fill = `${typed.slice(0, typed.lastIndexOf(" ") + 1)}${word} `;
  return { fill, label: word, about, changes: false, done: false };
}

function kindOf(word: string, names: Names): string {
  if (names.services.includes(word)) return "service";
  if (names.stacks.includes(word)) return "stack";
  return names.nodes.includes(word) ? "node" : word.startsWith("--") ? "option" : "";
}

function examples(row: Row, command: string, rest: string): Suggestion[] {
  return row.examples
    .filter((each) => each.text.startsWith(rest.trimEnd()) && each.text !== rest)
    .map((each) => ({
      fill: `${command} ${each.text}`,
      label: `${command} ${each.text}`,
      about: each.does,
      changes: row.changes,
      done: true,
    }));
}
