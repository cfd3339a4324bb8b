// Block Kit: what holds text, buttons or inputs is laid out here, all else by the library.
import { memo } from "react";
import { BlockId, Element, Picture } from "./Elements";
import { InputBlock } from "./Inputs";
import { Library, TextObject } from "./Text";
import type { Json } from "./types";

export const Blocks = memo(function Blocks({ blocks }: { blocks: Json[] }) {
  return (
    <div className="blocks">
      {blocks.map((block, index) => (
        <BlockId.Provider key={keyOf(block, index)} value={block.block_id ?? ""}>
          <Block block={block} />
        </BlockId.Provider>
      ))}
    </div>
  );
});

/** What stays over an edit keeps the focus; what was typed stays with its own block. */
function keyOf(block: Json, index: number): string {
  return block.type === "input" ? block.block_id : `${index} ${block.type}`;
}

function Block({ block }: { block: Json }) {
  switch (block.type) {
    case "header":
      return (
        <h3 className="block-header">
          <TextObject of={block.text} />
        </h3>
      );
    case "divider":
      return <hr />;
    case "section":
      return <Section block={block} />;
    case "context":
      return (
        <div className="context">
          {block.elements.map((each: Json, index: number) =>
            each.type === "image" ? (
              <Picture key={index} element={each} />
            ) : (
              <TextObject key={index} of={each} />
            ),
          )}
        </div>
      );
    case "actions":
      return (
        <div className="actions">
          {block.elements.map((each: Json) => (
            <Element key={each.action_id} element={each} />
          ))}
        </div>
      );
    case "image":
      return (
        <figure>
          {block.title && <figcaption>{block.title.text}</figcaption>}
          <Picture element={block} />
        </figure>
      );
    case "input":
      return <InputBlock block={block} />;
    case "table":
      return <Table block={block} />;
    default:
      return <Library blocks={[block]} />;
  }
}

/** Wider than a phone: it scrolls sideways within the message. */
function Table({ block }: { block: Json }) {
  const [heading = [], ...rows]: Json[][] = block.rows;
  const align = (column: number) => block.column_settings?.[column]?.align ?? "left";
  return (
    <div className="table" role="region" aria-label="Table" tabIndex={0}>
      <table>
        <thead>
          <tr>
            {heading.map((cell, column) => (
              <th key={column} scope="col" style={{ textAlign: align(column) }}>
                <Cell of={cell} />
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row, index) => (
            <tr key={index}>
              {row.map((cell, column) => (
                <td
                  key={column}
                  className={block.column_settings?.[column]?.is_wrapped ? "wrapped" : undefined}
                  style={{ textAlign: align(column) }}
                >
                  <Cell of={cell} />
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Cell({ of }: { of: Json }) {
  return of.type === "rich_text" ? <Library blocks={[of]} /> : <>{of.text}</>;
}

function Section({ block }: { block: Json }) {
  return (
    <div className="section">
      <div className="words">
        {block.text && <TextObject of={block.text} />}
        {block.fields && (
          <div className="fields">
            {block.fields.map((each: Json, index: number) => (
              <TextObject key={index} of={each} />
            ))}
          </div>
        )}
      </div>
      {block.accessory && (
        <div className="accessory">
          <Element element={block.accessory} />
        </div>
      )}
    </div>
  );
}
