export { type FirstData, type FirstDataDeps, type FirstTimeline, readFirstData } from './first-data.ts'
export { type SiteRoutesDeps, siteRoutes } from './routes.ts'
export { openSite, siteFolder } from './site.ts'
