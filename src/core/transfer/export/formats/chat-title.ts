/** A chat's title on one line; what has none is called so. */
export function chatTitle(title: string): string {
  return title.replace(/[\s\p{Cc}]+/gu, ' ').trim() || 'Untitled chat'
}
