// Jest reads TypeScript through the same compiler that builds the program, types dropped and nothing else changed.
import { transformSync } from 'esbuild'

export default {
  process: (source, filename) =>
    transformSync(source, {
      loader: 'ts',
      format: 'esm',
      target: 'node20',
      sourcemap: 'inline',
      sourcefile: filename,
    }),
}
