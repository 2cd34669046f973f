/**
 * TypeScript types of the API's document, for the client library. `openapi-typescript` is a development dependency with a
 * TypeScript of its own (see `overrides` in package.json): it cannot work with the version that checks this repository.
 */
import openapiTS, { astToString, COMMENT_HEADER, type OpenAPI3 } from 'openapi-typescript'

/** Source text of the module; the same document gives the same text. */
export async function typesOf(document: unknown): Promise<string> {
  return COMMENT_HEADER + astToString(await openapiTS(document as OpenAPI3))
}
