export {
  type Config,
  describeConfig,
  type Environment,
  InvalidSetting,
  loadConfig,
  type Role,
  SettingsError,
} from './settings.ts'
