// What the server sends (playground/page/seen.py).
export type Json = Record<string, any>;

export interface User {
  id: string;
  name: string;
  real_name: string;
  is_bot: boolean;
  is_app: boolean;
  is_guest: boolean;
}

export interface Channel {
  id: string;
  name: string;
  is_private: boolean;
  is_direct: boolean;
  has_app: boolean;
  with: string[];
}

export interface Attached {
  id: string;
  name: string;
  title: string;
  alt: string;
  size: number;
  picture: boolean;
  text: boolean;
}

export interface Said {
  channel: string;
  ts: string;
  user: string;
  text: string;
  blocks: Json[];
  attachments: Json[];
  metadata: Json | null;
  thread_ts: string | null;
  broadcast: boolean;
  only_for: string | null;
  edited: number | null;
  revision: number;
  files: Attached[];
}

export interface View {
  id: string;
  user: string;
  version: string;
  body: Json;
}

export interface Row {
  name: string;
  usage: string;
  summary: string;
  changes: boolean;
  examples: { text: string; does: string }[];
  also: string[];
}

/** What the swarm has now, as people type it. */
export interface Names {
  services: string[];
  stacks: string[];
  nodes: string[];
}

export interface Breakable {
  name: string;
  label: string;
  help: string;
  parameters: { name: string; label: string; choices: string[]; initial: string }[];
  mends: boolean;
}

export interface Whole {
  user: string;
  users: User[];
  channels: Channel[];
  messages: Said[];
  views: View[];
  bot: boolean;
  command: string;
  commands: Row[];
  operators: string[];
  breakables: Breakable[];
}
