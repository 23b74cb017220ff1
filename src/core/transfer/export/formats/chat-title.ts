/** Returns a chat's title on one line, or a placeholder when it has none. */
export function chatTitle(title: string): string {
  return title.replace(/[\s\p{Cc}]+/gu, ' ').trim() || 'Untitled chat'
}
