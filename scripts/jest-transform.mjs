// Jest reads TypeScript through the same compiler that builds the program, which only strips the types.
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
