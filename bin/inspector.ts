import { explainFailure } from '../src/core/checks/explain-failure.ts'
import { inspectFile } from '../src/core/copy/inspect.ts'
import { Key } from '../src/core/keys/key.ts'
import { answerOne } from '../src/helper-programs.ts'

// Inspects a finished file for the process that created it.
answerOne<{ path: string; key: string }>(({ path, key }, onPart) => {
  let told = 0
  const tell = (part: number) => {
    if (part - told < 0.01) return
    told = part
    onPart(part)
  }
  return inspectFile({ path, key: new Key(key) }, tell, (error, inquiry) =>
    explainFailure(error, inquiry, []),
  )
})
