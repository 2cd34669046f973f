import { describeConfig, loadConfig } from '../config/index.ts'
import type { Command } from './command.ts'

export const configCommand: Command = {
  name: 'config',
  summary: 'Print every setting with its meaning, where its value comes from and what it is',
  usage: 'config [--json]',
  options: { json: { type: 'boolean', meaning: 'For programs' } },
  async run({ values, env, stdout }) {
    const settings = describeConfig(env)
    if (values.json === true) {
      stdout.write(`${JSON.stringify(settings, null, 2)}\n`)
    } else {
      for (const { name, meaning, source, value } of settings) {
        stdout.write(`${name} = ${value === '' ? '(not set)' : value}   [${source}]\n    ${meaning}\n`)
      }
    }
    // Says what is wrong with a value, after showing it.
    loadConfig(env)
    return 0
  },
}
