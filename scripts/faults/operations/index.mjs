import backups from './backups.mjs'
import keys from './keys.mjs'
import reading from './reading.mjs'
import records from './records.mjs'
import searchIndex from './search-index.mjs'
import transfer from './transfer.mjs'
import wholeFiles from './whole-files.mjs'

/**
 * The operations by name.
 *
 * - `modes`: journal modes; both when it is missing
 * - `make(folder, mode)` fills a folder with what there is before, `words(folder)` is the command
 * - `state(folder, result, reference)` tells what a folder holds: 'before', 'after', 'part' (a later run
 *   completes it), or in words what is wrong; `result` is what the run printed, `reference` what it prints
 *   without a fault
 * - `again(folder)` is the command that brings it to its end, the same when it is missing; `converged` are
 *   the exit codes that it may give, `ends(state)` is the state that it ends in
 * - `tidy(folder)` are commands after which nothing unfinished is left; another backup when it is missing
 * - `parts`: a run that fails may have done a part
 * - `warns`: what it could not do for one of many is a warning
 * - `reports`: an exit code that comes with a report on stdout
 * - `spread`: of how many calls in a row on one file a fault is tried, see points.mjs
 * - `made`: files in the folder that go again when a run fails
 * - `plaintext`: a text that in the end no file holds, but those whose path in the folder matches `mayHold`
 * - `reads`, `answer`: it changes nothing; what of its answer has to be the same each time
 * - `environment`: for its runs with the interceptor
 */
export const OPERATIONS = {
  ...wholeFiles,
  ...backups,
  ...records,
  ...transfer,
  ...searchIndex,
  ...keys,
  ...reading,
}
