import { message } from '../src/core/entities/message.ts'
import { createMessages } from '../src/core/messages.ts'
import { crud } from './_crud.ts'
import type { Define } from './_define.ts'

const define: Define = (command, context) => crud(command, context, message, createMessages)

export default define
