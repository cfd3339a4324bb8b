// What may be meant by what was typed so far, from the bot's own table of commands.
import type { Row } from "./types";

export interface Suggestion {
  fill: string;
  label: string;
  about: string;
  changes: boolean;
  done: boolean; // a whole command: nothing is to be added
}

export function suggestions(typed: string, command: string, rows: Row[]): Suggestion[] {
  if (!typed.startsWith("/")) return [];
  if (!typed.startsWith(`${command} `)) {
    return command.startsWith(typed) ? rows.map((row) => offered(row, command)) : [];
  }
  const rest = typed.slice(command.length + 1).trimStart();
  const [word = "", ...more] = rest.split(" ");
  const exact = rows.find((row) => row.name === word.toLowerCase());
  if (more.length === 0 && !exact) {
    return meant(word.toLowerCase(), rows).map((row) => offered(row, command));
  }
  return exact ? examples(exact, command, rest) : [];
}

/** Whether a word is half typed, so that Enter completes it instead of sending. */
export function halfTyped(typed: string, command: string, rows: Row[]): boolean {
  if (!typed.startsWith(`${command} `)) {
    return typed.length > 1 && typed !== command && command.startsWith(typed);
  }
  const word = typed.slice(command.length + 1).trimStart();
  return word !== "" && !word.includes(" ") && !rows.some((row) => row.name === word.toLowerCase());
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
