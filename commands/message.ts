import { message } from '../src/core/records/entities/message.ts'
import { createMessages } from '../src/core/records/messages.ts'
import { crud } from './_crud.ts'
import type { Define } from './_define.ts'

const define: Define = (command, context) => crud(command, context, message, createMessages)

export default define
