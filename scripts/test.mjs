// `npm test`: installs and builds what is missing, then runs every test. Arguments go to Jest.
import { ensureBuild, ensurePackages, run } from './ensure.mjs'

ensurePackages()
ensureBuild()
run(process.execPath, [
  '--experimental-vm-modules',
  '--no-warnings',
  'node_modules/jest/bin/jest.js',
  ...process.argv.slice(2),
])
