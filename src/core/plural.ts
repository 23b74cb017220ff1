/** Formats a number with its noun: `1 chat`, `2 chats`. */
export const counted = (number: number, noun: string): string => `${number} ${noun}${number === 1 ? '' : 's'}`
