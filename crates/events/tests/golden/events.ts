// Written by switchboard-events from types in Rust. Changes made here are lost.

export interface ServerToClientEvents {
  "room-changed": (data: RoomChanged) => void;
  say: (arg0: string, arg1: number) => void;
  typing: () => void;
  update: (data: Update<Message>) => void;
  "user-joined": (data: UserJoined) => void;
}

export interface ClientToServerEvents {
  file: (arg0: string, arg1: Blob) => void;
  history: (arg0: string, arg1: Page | null, ack: (...reply: [Array<Message>, boolean]) => void) => void;
  ping: (ack: () => void) => void;
  "send-message": (data: SendMessage, ack: (reply: { Ok : Accepted } | { Err : Refused }) => void) => void;
  typing: () => void;
}

export type Accepted = { id: number, };

/**
 * What clients send with the handshake.
 */
export type Auth = { token: string, };

export type Blob = ArrayBuffer;

export type Color = "red" | "green";

export type Label = { text: string, color: Color, };

export type Message = { from: string, text: string, replies: Array<Message>, };

export type Page = { before: number | null, only?: Array<Color>, };

export type Refused = "ROOM_FULL" | "ROOM_CLOSED";

export type RoomChanged = { "kind": "renamed", name: string, } | { "kind": "closed" };

export type SendMessage = { room: string, message: string, labels: { [key in string]: Array<Label> }, };

export type Update<T> = { value: T, };

/**
 * Somebody came in.
 */
export type UserJoined = { 
/**
 * Who it is.
 */
userId: string, room: string | null, since: number, };
