/** Shapes of the account routes, from which validation, serialisation and the OpenAPI document come. */
import { Type } from 'typebox'
import { pageOf } from '../../http/conventions.ts'
import { scopes } from '../principal.ts'

const bytes = (description: string) => Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER, description })
const time = (description: string) => Type.String({ format: 'date-time', description })
const nullable = <T extends ReturnType<typeof Type.String>>(schema: T) => Type.Union([schema, Type.Null()])

export const handle = Type.String({
  pattern: '^[A-Za-z0-9][A-Za-z0-9_.-]{0,38}$',
  description: 'Name in URLs: letters, digits and _.-, at most 39; case does not count',
  examples: ['ada'],
})
export const email = Type.String({
  maxLength: 254,
  pattern: '^[^\\s@\\u0000-\\u001f\\u007f]+@[^\\s@\\u0000-\\u001f\\u007f]+$',
  examples: ['ada@example.com'],
})
export const name = Type.String({
  minLength: 1,
  maxLength: 100,
  pattern: '^[^\\u0000-\\u001f\\u007f]*$',
  description: 'Shown to others',
})
/** What may be chosen is decided in the domain, in characters after normalising. */
export const password = Type.String({ maxLength: 1_024, description: 'At least 8 characters, at most 1,024 bytes' })
export const role = Type.Union([Type.Literal('member'), Type.Literal('administrator')])
export const scope = Type.Enum([...scopes], { description: 'What a token may do' })
export const uuid = Type.String({ format: 'uuid' })

const storage = Type.Object({
  usedBytes: bytes('Stored'),
  reservedBytes: bytes('Set aside for uploads that run'),
  limitBytes: bytes('Most that may be used and reserved together'),
})

const accountFields = {
  id: uuid,
  handle: Type.String(),
  name: Type.String(),
  email: nullable(Type.String({ description: 'Null for an external account without an address of its own' })),
  avatarUrl: nullable(Type.String({ description: 'Signed, expires' })),
  role,
  storage,
}

export const account = Type.Object(accountFields)

export const managedAccount = Type.Object({
  ...accountFields,
  suspended: Type.Boolean({ description: 'All its tokens are refused' }),
  createdAt: time('Registered'),
})

export const accountPage = pageOf(managedAccount)

export const publicProfile = Type.Object({
  handle: Type.String(),
  name: Type.String(),
  avatarUrl: nullable(Type.String()),
  counts: Type.Object({ posts: Type.Integer(), followers: Type.Integer(), following: Type.Integer() }),
})

export const registered = Type.Object({
  account,
  token: Type.String({ description: 'Session token, shown once' }),
})

export const session = Type.Object({
  account,
  token: Type.String({ description: 'Session token, shown once' }),
  expiresAt: time('The session ends'),
})

const tokenFields = {
  id: uuid,
  name: Type.String(),
  scopes: Type.Array(scope),
  expiresAt: nullable(time('Null when it does not expire')),
  createdAt: time('Made'),
}
export const personalToken = Type.Object(tokenFields)
export const newPersonalToken = Type.Object({
  ...tokenFields,
  token: Type.String({ description: 'The secret, shown this once' }),
})
export const personalTokenPage = pageOf(personalToken)

export const handleParams = Type.Object({ handle })
export const ifMatch = Type.Object({
  'if-match': Type.Optional(Type.String({ description: 'ETag the change starts from; 412 when it is another by now' })),
})
export const storageLimitBytes = bytes('Lowering it below what is used keeps everything and refuses more')
export const expiresAt = nullable(time('Null for a token that does not expire'))
