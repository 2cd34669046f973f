/** Express with multer's disk storage, as its documentation sets it up. It does not fsync. */
import express from 'express'
import multer from 'multer'

const { PORT = '0', DIR = '.' } = process.env

const upload = multer({ dest: DIR })
const app = express()
app.post('/', upload.single('file'), (request, response) => {
  response.status(201).json({ size: request.file?.size })
})
app.listen(Number(PORT), '127.0.0.1')
