// What every part of the page may need.
import { createContext, useContext } from "react";
import type { Whole } from "./types";
import type { State } from "./store";

/** Changes seldom: what every message reads is kept apart from the messages themselves. */
export interface Page {
  whole: Whole;
  me: string;
  theme: "light" | "dark";
  programs: boolean;
  fail: (sentence: string) => void;
}

export const StateContext = createContext<State | null>(null);
export const PageContext = createContext<Page | null>(null);

export function usePage(): Page {
  const page = useContext(PageContext);
  if (!page) throw new Error("used outside of the page");
  return page;
}

export function useStateOfAll(): State {
  const state = useContext(StateContext);
  if (!state) throw new Error("used outside of the page");
  return state;
}
