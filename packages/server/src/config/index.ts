export { type Config, describeConfig, type Environment, InvalidSetting, loadConfig, type Role } from './settings.ts'
