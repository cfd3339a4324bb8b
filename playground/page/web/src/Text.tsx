// Texts as the library draws them: mrkdwn and plain text become rich_text first (mrkdwn.ts).
import { memo, useLayoutEffect, useMemo, useRef, type MouseEvent } from "react";
import { Message } from "slack-blocks-to-jsx";
import type { ComponentProps } from "react";
import { usePage } from "./context";
import { formatted } from "./dates";
import { go, placeOf, sight } from "./places";
import { richText, withEmoji, type Reading } from "./mrkdwn";
import type { Json, Whole } from "./types";

type Hooks = NonNullable<ComponentProps<typeof Message>["hooks"]>;

const HOOKS: Hooks = {
  date: ({ timestamp, format }) => {
    const at = new Date(Number(timestamp) * 1000);
    return (
      <time dateTime={at.toISOString()} title={at.toString()}>
        {formatted(format, Number(timestamp))}
      </time>
    );
  },
};

/** Blocks that need nothing of the page's own. */
export const Library = memo(function Library({ blocks }: { blocks: Json[] }) {
  const { whole, theme } = usePage();
  const frame = useRef<HTMLDivElement>(null);
  const data = useMemo(() => named(whole), [whole]);
  // The library gives each message the same id; its style goes by class here (build.mjs).
  useLayoutEffect(() => frame.current?.querySelector("#slack_blocks_to_jsx")?.removeAttribute("id"));
  return (
    <div ref={frame} className="library" onClick={stay}>
      <Message
        blocks={blocks as any}
        name=""
        logo=""
        withoutWrapper
        theme={theme}
        hooks={HOOKS}
        data={data}
      />
    </div>
  );
});

/** A link to a message goes there within the page; the library opens links in a tab of their own. */
function stay(event: MouseEvent) {
  const link = (event.target as Element).closest("a");
  if (!link?.hash || link.href.split("#")[0] !== window.location.href.split("#")[0]) return;
  event.preventDefault();
  if (link.hash === window.location.hash) sight(placeOf(link.hash)[2]);
  else go(link.hash);
}

function named(whole: Whole) {
  return {
    users: whole.users.map((each) => ({ id: each.id, name: each.real_name })),
    channels: whole.channels.map((each) => ({ id: each.id, name: each.name })),
  };
}

export function Mrkdwn({ text, ...reading }: { text: string } & Reading) {
  const { verbatim } = reading;
  const blocks = useMemo(() => [richText(text, { verbatim })], [text, verbatim]);
  return <Library blocks={blocks} />;
}

/** A text object of Block Kit. */
export function TextObject({ of }: { of: Json }) {
  if (of.type === "plain_text") return <span className="plain">{withEmoji(of.text)}</span>;
  return <Mrkdwn text={of.text} verbatim={Boolean(of.verbatim)} />;
}
