// What is filled in beside the elements of one message or modal.
import { createContext, useMemo, useRef } from "react";
import type { Json } from "./types";

export interface Filling {
  set: (block: string, action: string, value: Json) => void;
  /** What is filled in now, as Slack's own `state.values`. */
  values: () => Record<string, Json>;
  errors: Record<string, string>;
}

const NO_ERRORS: Record<string, string> = {};

export const FillingContext = createContext<Filling>({
  set: () => {},
  values: () => ({}),
  errors: NO_ERRORS,
});

export function useFilling(errors = NO_ERRORS): Filling {
  const filled = useRef<Record<string, Json>>({});
  return useMemo(
    () => ({
      set: (block, action, value) => {
        filled.current[block] = { ...filled.current[block], [action]: value };
      },
      values: () => filled.current,
      errors,
    }),
    [errors],
  );
}
