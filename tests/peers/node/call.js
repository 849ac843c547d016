// One call of dcmjs's dicomweb-client: node call.js FOLDER < call.json
//
// The call is {"url", "apikey", "method", "options"}; options.datasets are names of files.
// What comes back is written to standard output as JSON. Each ArrayBuffer becomes a file in
// FOLDER, and in the JSON stands its name and what the client read from its headers.

const fs = require("fs");
const path = require("path");

global.XMLHttpRequest = require("xhr2");
const { api } = require("dicomweb-client");

const folder = process.argv[2];
let files = 0;

function written(value) {
  if (value instanceof ArrayBuffer) {
    const file = path.join(folder, String(files++));
    fs.writeFileSync(file, Buffer.from(value));
    return { file, contentType: value.contentType, transferSyntaxUID: value.transferSyntaxUID };
  }
  return Array.isArray(value) ? value.map(written) : value;
}

function contents(file) {
  const buffer = fs.readFileSync(file);
  return buffer.buffer.slice(buffer.byteOffset, buffer.byteOffset + buffer.length);
}

async function call({ url, apikey, method, options }) {
  const client = new api.DICOMwebClient({ url, headers: { apikey }, verbose: false });
  if (options.datasets) {
    options.datasets = options.datasets.map(contents);
  }
  try {
    return { result: written(await client[method](options)) };
  } catch (error) {
    if (error.status === undefined) throw error;
    return { status: error.status };
  }
}

call(JSON.parse(fs.readFileSync(0, "utf-8"))).then((answer) =>
  process.stdout.write(JSON.stringify(answer)),
);
