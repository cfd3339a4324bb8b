// What is filled in within a modal or a message; the values have Slack's own form (`state.values`).
import { useContext, useEffect, useId } from "react";
import { options, Options } from "./Elements";
import { FillingContext } from "./filling";
import { TextObject } from "./Text";
import { usePage } from "./context";
import type { Json } from "./types";

const KINDS: Record<string, string> = {
  plain_text_input: "text",
  number_input: "number",
  email_text_input: "email",
  url_text_input: "url",
  datepicker: "date",
  timepicker: "time",
};

export function InputBlock({ block }: { block: Json }) {
  const { errors } = useContext(FillingContext);
  const field = useId();
  const error = errors[block.block_id];
  const grouped = ["radio_buttons", "checkboxes"].includes(block.element.type);
  const described = [block.hint && `${field}-hint`, error && `${field}-error`].filter(Boolean);
  const about = { id: field, "aria-describedby": described.join(" ") || undefined };
  const Label = grouped ? "legend" : "label";
  const Frame = grouped ? "fieldset" : "div";
  return (
    <Frame className="field">
      <Label {...(grouped ? {} : { htmlFor: field })}>
        {block.label.text} {block.optional && <small>(optional)</small>}
      </Label>
      <Input block={block} about={{ ...about, "aria-invalid": error ? true : undefined }} />
      {block.hint && (
        <small id={`${field}-hint`}>{block.hint.text}</small>
      )}
      {error && (
        <p id={`${field}-error`} className="error" role="alert">
          {error}
        </p>
      )}
    </Frame>
  );
}

function Input({ block, about }: { block: Json; about: Json }) {
  const { set } = useContext(FillingContext);
  const element: Json = block.element;
  const give = (value: Json) => {
    set(block.block_id, element.action_id, { type: element.type, ...value });
  };
  useEffect(() => give(initial(element)), []);
  const shared = { ...about, required: !block.optional, className: "input" };
  if (element.type === "radio_buttons" || element.type === "checkboxes") {
    return <Choices element={element} give={give} about={about} />;
  }
  if (element.type === "static_select") {
    const choose = (value: string) => give({ selected_option: option(element, value) });
    return (
      <select
        {...shared}
        defaultValue={element.initial_option?.value ?? ""}
        onChange={(event) => choose(event.target.value)}
      >
        <option value="">{element.placeholder?.text ?? "Choose"}</option>
        <Options element={element} />
      </select>
    );
  }
  if (element.type === "users_select") return <People element={element} give={give} about={shared} />;
  if (element.type === "plain_text_input" && element.multiline) {
    return (
      <textarea
        {...shared}
        {...typed(element)}
        rows={4}
        onChange={(event) => give({ value: event.target.value || null })}
      />
    );
  }
  const kind = KINDS[element.type];
  if (!kind) return <p className="unsupported">The playground does not show “{element.type}”.</p>;
  const name = { date: "selected_date", time: "selected_time" }[kind] ?? "value";
  return (
    <input
      {...shared}
      {...typed(element)}
      type={kind}
      min={element.min_value}
      max={element.max_value}
      step={element.is_decimal_allowed ? "any" : undefined}
      onChange={(event) => give({ [name]: event.target.value || null })}
    />
  );
}

function typed(element: Json) {
  return {
    defaultValue: element.initial_value ?? element.initial_date ?? element.initial_time ?? "",
    placeholder: element.placeholder?.text,
    minLength: element.min_length,
    maxLength: element.max_length,
    "data-first": element.focus_on_load || undefined,
  };
}

function initial(element: Json): Json {
  switch (element.type) {
    case "static_select":
    case "radio_buttons":
      return { selected_option: element.initial_option ?? null };
    case "checkboxes":
      return { selected_options: element.initial_options ?? [] };
    case "datepicker":
      return { selected_date: element.initial_date ?? null };
    case "timepicker":
      return { selected_time: element.initial_time ?? null };
    case "users_select":
      return { selected_user: element.initial_user ?? null };
    default:
      return { value: element.initial_value ?? null };
  }
}

function option(element: Json, value: string): Json | null {
  return options(element).find((each) => each.value === value) ?? null;
}

function People({ element, give, about }: { element: Json; give: Give; about: Json }) {
  const { whole } = usePage();
  return (
    <select
      {...about}
      defaultValue={element.initial_user ?? ""}
      onChange={(event) => give({ selected_user: event.target.value || null })}
    >
      <option value="">{element.placeholder?.text ?? "Choose"}</option>
      {whole.users.map((each) => (
        <option key={each.id} value={each.id}>
          {each.real_name}
        </option>
      ))}
    </select>
  );
}

type Give = (value: Json) => void;

function Choices({ element, give, about }: { element: Json; give: Give; about: Json }) {
  const many = element.type === "checkboxes";
  const chosen = new Set<string>(
    (many ? (element.initial_options ?? []) : [element.initial_option ?? []].flat()).map(
      (each: Json) => each.value,
    ),
  );
  const toggle = (value: string, on: boolean) => {
    if (!many) return give({ selected_option: option(element, value) });
    if (on) chosen.add(value);
    else chosen.delete(value);
    give({ selected_options: options(element).filter((each) => chosen.has(each.value)) });
  };
  return (
    <div className="choices" {...about}>
      {options(element).map((each) => (
        <label key={each.value}>
          <input
            type={many ? "checkbox" : "radio"}
            name={element.action_id}
            defaultChecked={chosen.has(each.value)}
            onChange={(event) => toggle(each.value, event.target.checked)}
          />
          <TextObject of={each.text} />
        </label>
      ))}
    </div>
  );
}
