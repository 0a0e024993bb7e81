// The replies of the server to "Why this item?", for the type checker alone: `labeler.explain.panel`.

/** What the model saw in the item, or how far that is computed. */
export interface Explanation {
  state: "hidden" | "queued" | "running" | "failed" | "done";
  hidden?: string;      // why it is not shown
  error?: string;
  result?: ExplanationResult;
}

export interface ExplanationResult {
  classes: ExplainedClass[];  // the most probable first
  spans?: [start: number, end: number][];  // words of a text: where each begins and ends, in characters
  slice?: [frame: number, of: number] | null;  // of a stack: the one that is explained, counted from 1
  attention?: Attention; // of a transformer
  start?: { weight: number; labels: number } | null;  // sentences about the classes, or imported predictions, count
  fit: number[];        // of the local explanation, for each class: R²
}

export interface ExplainedClass {
  name: string;
  probability: number;
  weights?: number[];   // of the spans, -1 to 1
  map?: string;         // address of an image of where it speaks for the class
}

/** From where a transformer gathered what it read; of no class. */
export interface Attention {
  weights?: number[];   // of the spans, 0 to 1
  map?: string;
}

/** The strategy that chose the item, and its place in that ranking. */
export interface Origin {
  name: string;
  family: string;
  summary: string;
  round: number;        // 0: before the first ranking
  rank: number;
  score: number | null;
  model: string | null;
}

/** A labeled item near this one. */
export interface Neighbour {
  id: number;
  label: string;
  similarity: number;
  metadata: Record<string, string>;  // the columns that the project shows
  text: string | null;
  media: string | null;
}
