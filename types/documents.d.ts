/** What the server's page holds: documents of the API, and photographs before they are sent. */

export interface Job {
  id: string;
  kind: string;
  about: Record<string, any>;
  state: "waiting" | "running" | "done" | "failed" | "stopped";
  created: string;
  ended: string | null;
  error: string | null;
  done: number;
  whole: number;
}

export interface Study {
  id: string;
  state: "begun" | "whole";
  resumable: boolean;
  created: string;
  trials: number;
  so_far: { network: string; people: string; preprocess: string; fits: number; accuracy: number }[];
  words: string;
  job: string | null;
}

export interface Photo {
  blob: Blob;
  name: string;
  url: string;
}

/** A photograph and what came of asking about it. */
export interface Entry {
  photo: Photo;
  asking?: boolean;
  asked?: unknown;
  answer?: any;
  problem?: object | null;
}

export interface Enrolment {
  name: string;
  external_id: string;
  consent: string;
  keep_faces: boolean;
  force: boolean;
}

export interface Candidate {
  subject_id: number;
  name: string;
  score: number;
}

export interface Camera {
  on: boolean;
  asking: boolean;
  problem: object | null;
  start: () => void;
  stop: () => void;
  video: { current: HTMLVideoElement | null };
}
