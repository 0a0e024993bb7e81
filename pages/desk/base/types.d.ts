// What passes between the server and the desk, for the type checker alone. Fields that the server knows are named as
// there: `labeler/core/items.py`, `labeler/api/`, `pages/desk/__init__.py`.

/** A class, as the project describes it. */
export interface ClassDetail {
  name: string;
  key: string;          // that answers with it; "" for the last of many classes
  colour: string;       // "#rrggbb", or ""
  description: string;
  group: string;        // of classes that stand together, or ""
}

/** What the page hands to the desk. */
export interface DeskData {
  base?: string;        // the path below which the app lies; "" for none
  project: string;      // its uid
  name: string;         // of the project, for people
  kept: { project: string; since: number | null };  // its folder, and from when on answers kept under that name are its own
  annotator: string;
  account: number | null;  // of the annotator; null: there are no accounts
  classes: ClassDetail[];
  class_change: number; // number of the latest change of the classes
  answers: "one" | "several";  // classes that an item has
  images: boolean;      // whether the items are images
  reveal: Reveal;
  grid: boolean;        // whether predictions may be confirmed many at once
  columns: string[];    // imported ones that are shown beside the item
  keywords: string[];   // highlighted in texts
  guidelines: { digest: string; seen: string };  // of those that there are, and of those that were read last
  language: string;
  words: Record<string, string>;  // the catalogue: English text → translation
  token: string;
}

/** When an annotator gets to know the model's prediction. */
export type Reveal = "never" | "before" | "after";

export interface Prediction {
  label: string;
  confidence: number;   // probability of the label, 0 to 1
}

/** What a model of somebody else says. */
export interface ModelSays {
  model: string;        // its name and version
  label: string;
  confidence: number | null;  // null: it gave none
}

/** From low to high, in the unit of the image's values. */
export type ValueWindow = [low: number, high: number];

/** What the viewer must know of an image: `labeler.files.renditions.About`. */
export interface ImageAbout {
  width: number;        // pixels
  height: number;
  levels?: number;      // of tiles of a large image
  drawn?: ValueWindow;  // that a scan is drawn through
  windows?: Record<string, ValueWindow>;  // of a scan, by name
  unit?: string | null; // of a scan's values
  inverted?: boolean;   // low values are white
  frame?: [number: number, of: number];
}

export interface Picture {
  image: HTMLImageElement;
  about: ImageAbout;
}

/** An item that this tab holds. */
export interface Item {
  id: number;
  text: string | null;
  media: string | null; // path of its image, below the project's address
  metadata?: Record<string, string>;  // the columns that the project shows
  round: number | null; // of the ranking that it comes from; 0: before the first; null: it comes from none
  prediction: Prediction | null;  // where the project shows it before the answer
  others?: ModelSays[]; // the same of somebody else's models
  first?: boolean;      // it comes before all others: a lead had it asked next
  answer?: { label: string | null; unsure: boolean };  // given before; the item is looked at again
  // The desk's own:
  loading?: Promise<Picture>;
  picture?: Picture;
  window?: string;      // that the picture was asked for
  frames?: Map<number, Promise<Picture>>;  // of a stack, through `framesWindow`
  framesWindow?: string;
}

export type Action = "label" | "skip" | "flag" | "undo";

/** An answer, as a person gives it. */
export interface Answer {
  item_id: number;
  action: Action;
  label: string | null; // a class; where items have several, a JSON list of classes
  seconds: number | null;
  note?: string | null;
  unsure?: boolean;
  reveal?: Reveal;      // what was known of the model's prediction
  class_change?: number;  // number of the latest change of the classes that this desk knew
  undoes?: string;      // id of the answer that an undo takes back
}

/** An answer in the outbox: its name makes sending it twice harmless. */
export interface UnsentAnswer extends Answer {
  request_id: string;
  at?: number;          // by this browser's clock, to be shown; nothing is ordered by it
}

/** An answer that is not sent any more, until a person has dealt with it. */
export interface KeptAnswer {
  name: string;         // of the entry in the browser's storage
  project: string;
  id: string;           // of the answer
  isGone: boolean;      // it was meant for another project, which is not on the server any more
  answer: UnsentAnswer & { reason?: string } | null;  // null: it cannot be read
  text: string;         // of the entry
}

/** What became of an answer. */
export interface Receipt {
  request_id: string;
  ok: boolean;          // stored now or before
  reason: string | null;  // why it was refused; of an undo that is ok, why it took nothing back
  prediction: Prediction | null;  // where the project shows it after the answer
  others?: ModelSays[]; // the same of somebody else's models
}

/** How far the project and this annotator are. */
export interface Progress {
  mine: number;         // answers with a label
  spent: number;        // the same, by everybody: the budget pays for them
  budget: number;       // answers that can be paid in all: no more than the data need
  until_round: number | null;  // pool labels that the next round waits for; null: there is no next one
  batch: number;
  round: number;
  labelers: number;     // annotators at work
  wanted: boolean;      // somebody else waits for an item
}

/** An earlier answer, as the server remembers it. */
export interface PastAnswer {
  item_id: number;
  request_id: string;
  media: string | null; // path of its image
  action: Action;
  label: string | null;
  unsure: boolean;
  predicted?: string | null;
  confidence?: number;
  others?: ModelSays[];
}

/** An earlier answer, as the strip shows it. */
export interface GivenAnswer {
  id: number;           // of the item
  answer?: string;      // its own id
  item?: Item;
  media?: string | null;  // path of its image
  action: Action;
  label: string | null;
  unsure: boolean;
  prediction?: Prediction;
}

/** Why there is nothing to answer. `text`: what the lead, or a rule of the settings, says about it. */
export interface Waiting {
  reason: string;
  n?: number;
  by?: string;
  text?: string;
}

/** The reply to `news`. */
export interface News {
  class_change: number;
  classes: ClassDetail[] | null;  // where there are others now
  stop: Waiting | null;
  asked_next: number;   // changes with the items that a lead has asked next
}

/** The reply to `reserve`. */
export interface Reservation {
  items: Item[];        // that the tab holds, in the order to ask them
  waiting: Waiting | null;
  history: PastAnswer[] | null;  // newest first
  progress: Progress;
}

/** The reply to `answers`. */
export interface Receipts {
  receipts: Receipt[];
  progress: Progress;
}

/** What can ask the server: `Server`, and the desk, which passes it on. */
export interface Fetching {
  fetch(path: string, options?: RequestInit): Promise<Response>;
}

/** What can send to the server. */
export interface Posting {
  post(verb: string, body: object, options?: RequestInit): Promise<any>;
}

/** An error whose message the server wrote for people; any other is of the network. */
export interface ServerError extends Error {
  fromServer: boolean;
  status?: number;      // of the reply
  retryAfter?: number;  // milliseconds, as the server asks
}
