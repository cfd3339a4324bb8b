// A button of the demo types its command into the message box, and sends it.
const NAME = "typed";

export function typed(command: string) {
  window.dispatchEvent(new CustomEvent(NAME, { detail: command }));
}

/** Calls `take` with each command that a button types; returns the end of that. */
export function onTyped(take: (command: string) => void): () => void {
  const hear = (event: Event) => take((event as CustomEvent<string>).detail);
  window.addEventListener(NAME, hear);
  return () => window.removeEventListener(NAME, hear);
}
