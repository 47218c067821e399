// The caller's end of the test of tunnels: it plays each case through the
// gateway whose address it is given and prints "ok" or what went wrong, a line
// for each.
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import assert from 'node:assert/strict'
import WebSocket from 'ws'

const address = process.argv[2]

async function open(path, protocols, options = { perMessageDeflate: { threshold: 0 } }) {
  const socket = new WebSocket(`ws://${address}/${path}`, protocols, { maxPayload: 64 << 20, ...options })
  const early = []
  socket.on('message', (data, isBinary) => early.push([data, isBinary]))
  socket.next = async () => {
    while (early.length === 0) await once(socket, 'message')
    return early.shift()
  }
  await once(socket, 'open')
  return socket
}

async function ended(socket) {
  const [code, reason] = await once(socket, 'close')
  return `${code} ${reason}`
}

async function targetSaw(name) {
  for (;;) {
    const seen = await (await fetch(`http://${address}/`)).json()
    if (seen[name] !== undefined) return seen[name]
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

async function echoes(options, extension) {
  const socket = await open('echo', [], options)
  assert.equal(socket.extensions, extension)
  for (const data of [Buffer.from('text'), Buffer.alloc(0), Buffer.from('ä€😀'), Buffer.alloc(100_000, 'a'), randomBytes(70_000)]) {
    socket.send(data, { binary: true })
    assert.deepEqual(await socket.next(), [data, true])
  }
  socket.send('text')
  assert.deepEqual(await socket.next(), [Buffer.from('text'), false])
  socket.close()
  assert.equal(await ended(socket), '1005 ')
}

const cases = {
  'messages with permessage-deflate': () => echoes({ perMessageDeflate: { threshold: 0 } }, 'permessage-deflate'),
  'messages without compression': () => echoes({ perMessageDeflate: false }, ''),
  'a message of 16 MiB in fragments': async () => {
    const socket = await open('echo')
    const hash = createHash('sha256')
    for (let part = 0; part < 32; part++) {
      const data = randomBytes(512 << 10)
      hash.update(data)
      socket.send(data, { fin: part === 31, binary: true })
    }
    const [data] = await socket.next()
    assert.equal(createHash('sha256').update(data).digest('hex'), hash.digest('hex'))
    socket.close()
    await ended(socket)
  },
  'fragments of the target': async () => {
    const socket = await open('fragments')
    const [data] = await socket.next()
    assert.equal(String(data), Array.from({ length: 100 }, (_, part) => `${part},`).join(''))
    socket.close()
  },
  'codes of the caller': async () => {
    for (const code of [1000, 1001, 1008, 1011, 3000, 4001, 4999]) {
      const socket = await open(`echo?name=c${code}`)
      socket.close(code, `reason ${code}`)
      assert.equal(await ended(socket), `${code} reason ${code}`)
      assert.equal(await targetSaw(`c${code}`), `${code} reason ${code}`)
    }
  },
  'codes of the target': async () => {
    for (const code of [1000, 1001, 1008, 1011, 3000, 4001, 4999]) {
      const socket = await open('close')
      socket.send(String(code))
      assert.equal(await ended(socket), `${code} reason ${code}`)
    }
  },
  'the caller leaves without a word': async () => {
    const socket = await open('echo?name=gone')
    socket.send('x')
    await socket.next()
    socket.terminate()
    assert.equal(await targetSaw('gone'), '1006 ')
  },
  'the target leaves without a word': async () => {
    const socket = await open('terminate')
    socket.on('error', () => {})
    socket.send('x')
    assert.equal(await ended(socket), '1006 ')
  },
  'pings of both': async () => {
    const socket = await open('ping')
    assert.equal(String((await socket.next())[0]), 'pong from the target')
    socket.ping('from the caller')
    assert.equal(String((await once(socket, 'pong'))[0]), 'from the caller')
    socket.close()
  },
  'a protocol is chosen': async () => {
    const socket = await open('echo', ['chat', 'superchat'])
    assert.equal(socket.protocol, 'superchat')
    socket.close()
  },
  '100 at once': async () => {
    await Promise.all(
      Array.from({ length: 100 }, async (_, n) => {
        const socket = await open('echo')
        for (let i = 0; i < 20; i++) {
          socket.send(`${n} ${i} `.repeat(1 + ((n * 31 + i * 17) % 500)))
          assert.equal(String((await socket.next())[0]), `${n} ${i} `.repeat(1 + ((n * 31 + i * 17) % 500)))
        }
        socket.close(1000)
        assert.equal(await ended(socket), '1000 ')
      }),
    )
  },
  'a caller that does not read for a while': async () => {
    const socket = await open('echo')
    socket.pause()
    const data = randomBytes(1 << 20)
    for (let i = 0; i < 32; i++) socket.send(data, { binary: true })
    await new Promise((resolve) => setTimeout(resolve, 500))
    socket.resume()
    for (let i = 0; i < 32; i++) assert.deepEqual((await socket.next())[0], data)
    socket.close()
  },
}

for (const [name, play] of Object.entries(cases)) {
  try {
    await play()
    console.log('ok', name)
  } catch (error) {
    console.log('FAILED', name, String(error.stack ?? error).replaceAll('\n', ' | '))
  }
}
process.exit()
