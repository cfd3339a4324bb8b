// What the parts of the page tell each other about what is typed and sent.
type Word = "typed" | "sent";

function tell(word: Word, detail: string) {
  window.dispatchEvent(new CustomEvent(word, { detail }));
}

function on(word: Word, take: (detail: string) => void): () => void {
  const hear = (event: Event) => take((event as CustomEvent<string>).detail);
  window.addEventListener(word, hear);
  return () => window.removeEventListener(word, hear);
}

/** A button of the demo types its command into the message box, which sends it. */
export const typed = (command: string) => tell("typed", command);
export const onTyped = (take: (command: string) => void) => on("typed", take);

/** Something was sent to a channel or a thread: its answer will be at the end. */
export const sent = (place: string) => tell("sent", place);
export const onSent = (take: (place: string) => void) => on("sent", take);
