// The browser's own dialog: it keeps the focus within and gives it back, and Escape closes it.
import { useEffect, useId, useRef, type ReactNode } from "react";

export function Dialog(props: {
  title: string;
  onClose: () => void;
  children: ReactNode;
  wide?: boolean;
}) {
  const dialog = useRef<HTMLDialogElement>(null);
  const title = useId();
  useEffect(() => {
    const shown = dialog.current!;
    const before = document.activeElement as HTMLElement | null;
    if (!shown.open) shown.showModal();
    // Where the work begins, instead of the button that closes.
    const first = shown.querySelector<HTMLElement>("[data-first]");
    (first ?? shown.querySelector<HTMLElement>(".body :is(input, select, textarea, button)"))?.focus();
    return () => {
      shown.close();
      before?.focus();
    };
  }, []);
  return (
    <dialog
      ref={dialog}
      className={props.wide ? "dialog wide" : "dialog"}
      aria-labelledby={title}
      onCancel={(event) => {
        event.preventDefault();
        props.onClose();
      }}
    >
      <header>
        <h2 id={title}>{props.title}</h2>
        <button type="button" className="icon" aria-label="Close" onClick={props.onClose}>
          ✕
        </button>
      </header>
      {props.children}
    </dialog>
  );
}
