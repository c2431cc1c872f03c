/** The notes of the sample API: in memory, bounded, gone when it stops. */

/** Notes kept; the oldest go. The sample must not grow without end. */
const NOTES_MAX = 1000;
/** Characters of one note. */
export const NOTE_LENGTH_MAX = 10_000;

export interface Note {
  readonly id: string;
  readonly text: string;
  /** The actor, or the key's id where the key names none. */
  readonly author: string;
}

export interface Notes {
  readonly list: () => readonly Note[];
  readonly add: (text: string, author: string) => Note;
  /** Whether there was such a note. */
  readonly remove: (id: string) => boolean;
}

export function createNotes(): Notes {
  const notes = new Map<string, Note>();
  let added = 0;
  return {
    list: () => [...notes.values()],
    add(text, author) {
      added += 1;
      const note = { id: String(added), text, author };
      notes.set(note.id, note);
      const oldest = notes.keys().next();
      if (notes.size > NOTES_MAX && !oldest.done) notes.delete(oldest.value);
      return note;
    },
    remove: (id) => notes.delete(id),
  };
}
