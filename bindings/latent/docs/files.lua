-- latent.read, latent.write, latent.open.

return {
  {
    name = "files",
    topic = true,
    summary = "Matrices in files: NumPy's npy and npz, CSV and its relatives, safetensors, images, MNIST's idx.",
    text = [[
A file's ending chooses its format: .npy; .npz; .csv, .tsv and .txt; .safetensors; .png, .pgm and .ppm; .idx and
-ubyte (read only). Each may be followed by .gz, which is expanded in memory (read only). The option format says it
for any other name, as format = "csv" or "csv.gz". Then latent.read also takes what comes from a pipe: path is "-" or
"/dev/stdin" for standard input, or names a descriptor, /dev/fd/63; its end is waited for. What is wrong with a file
gives nil and a message that begins with its path, for text with line and column (field):

  iris.csv:17:3: 'abc' is not a number

Misuse, an unknown option say, raises.

npy: versions 1.0 to 3.0, both byte orders, C and Fortran order, elements f2 f4 f8, i1 i2 i4 i8, u1 u2 u4 u8
and b1. f4 gives a float32 matrix, all others float64: whole numbers beyond 2^53 are rounded. One axis is a
vector, none a vector of one; of more than two the first stays and the others become one, as
reshape(first, -1) does in NumPy. Empty arrays are refused. Written are f8 and f4, in version 1.0. Bytes after
the array are ignored.

npz: several npy files by name in one, as numpy.savez (stored) and numpy.savez_compressed (deflated) write them;
written are stored ones. latent.read gives a table of matrices, latent.write takes one. Arrays of text (dtype U and
S) are lists of strings in it, both ways. Checksums are checked; what isn't an npy file is passed over. An array of
objects or records fails the whole: names = {"X"} reads others.

CSV: as in RFC 4180. Fields in double quotes may hold delimiters, line ends and doubled quotes; lines end in
LF, CR LF or CR; a byte order mark and blank lines are passed over; blanks around a field don't count. Numbers
are decimal, inf and nan included, with a point in every locale; hexadecimal is not read. Every record must have
as many fields as the first. A column is numeric or text by its first entry that isn't missing. In a numeric
column anything but a number or a missing entry (NaN in the matrix) is an error; in a text column everything
is text, as it stands. The first record is taken for a header when it has a field that isn't a number, and
either no number at all or one right below such a field; header = true or false says it. With decimal = "," numbers
have a decimal comma, and the delimiter is another character, ; usually; a point is then no part of a number, and
neither comma nor point groups digits. Text columns are beside the matrix, in about, but for categorical ones: they
are in it as codes 1, 2, ... of their classes, which about.categories lists.

safetensors: many matrices by name, in a layout that machine learning programs share. Types F64 F32 F16, I64 I32
I16 I8, U64 U32 U16 U8 and BOOL become matrices, and axes, as for npy. A header that is no strict JSON, offsets
that overlap, leave holes or don't fit the shapes, and empty tensors are refused. latent.help "save" is about
models in such files.

PNG, PGM and PPM: images of H rows and W columns are matrices of H rows and W columns of grey, or of W times `channels`:
2 are grey and opacity, 3 red, green and blue side by side in each pixel, 4 those and opacity; so red is in
columns 1, 4, 7, ... Read are samples as they are, from 0 to about.white, which is 255 or 65535 (of PGM and PPM what the
file says); grey = true makes one channel of colours, 0.299 R + 0.587 G + 0.114 B. All kinds of PNG are read,
palettes as colours, samples of fewer than 8 bits as bytes. Written is a matrix of numbers from 0 (black) to 1
(white) when all of them are in between, and otherwise of numbers from 0 to 255 (65535 with bits = 16); others need
range = {black, white}, beyond which all are black or white, as {A:min(), A:max()}. NaN is refused. latent.plot draws
images with axes and colours.

Writing replaces a file at once when it is complete and on the disk: an error leaves the old one as it was. Through
a symbolic link the file it points at is written, and made if it isn't there. While .NAME.latent-0.tmp lies beside it
a file is being written, or was by a process that was killed: then the next writing of it takes that away.]],
  },
  {
    name = "latent.read",
    summary = "Reads a matrix from a file.",
    args = {
      { "path", "string", "ends in .npy, .npz, .csv, .tsv, .txt, .safetensors, .png, .pgm, .ppm, .idx or -ubyte, or in "
        .. "one of these and .gz" },
      { "options", "table?", "see options" },
    },
    options = {
      { "format", "string", "the path's ending", 'the ending that the path hasn\'t: "npy", "npz", "csv", "tsv", '
        .. '"txt", "safetensors", "png", "pgm", "ppm" or "idx", or one of these and ".gz"' },
      { "dtype", "string", "the file's", 'for npy, idx and images: "float32" or "float64"; bytes are float64 unless '
        .. "told, which float32 halves" },
      { "grey", "boolean", "false", "for images: colours become grey" },
      { "delimiter", "string", "found in the first line", "one character; \" \" is any run of blanks. Found are , ; "
        .. "tab and |, and blanks between numbers; .tsv means tab" },
      { "decimal", "string", '"."', 'the point of numbers: "." or ","' },
      { "header", "boolean|string", '"auto"', "whether the first record holds the columns' names" },
      { "missing", "string[]", '{"", "NA", "NaN", "nan", "null", "?"}', "what stands for a missing entry" },
      { "labels", "string|integer", "see below", "name or number of the column of labels, "
        .. "which may also hold numbers; it is not in the matrix" },
      { "columns", "(string|integer)[]", "all", "the columns to read, in this order" },
      { "categorical", "boolean|(string|integer)[]", "false", "the columns of classes, which may be numbers, to read "
        .. "as codes; true: all that hold text, but for the labels" },
      { "names", "string[]", "all", "for npz and safetensors: the matrices to read" },
      { "skip", "integer", "0", "lines to pass over at the start" },
      { "progress", "boolean|function", "as of all", "true: a bar while it takes long; or a function that "
        .. "is told (latent.progress)" },
    },
    returns = {
      { "latent.Matrix|table?", "the numbers, one record a row; for npz and safetensors the matrices by name; nil "
        .. "when the file can't be read" },
      { "table|string", "for text: columns (the names of the matrix's columns, when there is a header); and when "
        .. "there are labels: labels (strings, one a row), classes (the different ones, in order of "
        .. "appearance), codes (a vector: the number in classes), categories (the classes of categorical columns, by "
        .. "name or number), text (every text column by its name, or "
        .. "by its number without a header), note (which columns are text that nobody asked for, and the word "
        .. "that each begins with); source, the path; for safetensors: the metadata, strings by name; "
        .. "for images: width, height, channels, white. Or the message" },
    },
    text = [[
Unless the option labels says which column they are, labels are the first column of text in which a word comes twice (of
names and keys, which differ in each row, there is no class), or else the first column of text.

The matrix carries what is known of it as fields: names (of its columns), labels (the codes), classes, text and source;
each nil where there is none, as in every other matrix and in views and copies. The table is of class latent.About:
where options may stand, it is none of them, so that model:fit(latent.read "iris.csv") and its like are fits to the
matrix. A read that has failed raises there, with the file and the reason.

latent.help "files" has the formats.]],
    example = 'local X, info = latent.read "iris.csv"',
  },
  {
    name = "latent.write",
    summary = "Writes a matrix to a file.",
    args = {
      { "path", "string", "ends in .npy, .npz, .csv, .tsv, .txt, .safetensors, .png, .pgm or .ppm" },
      { "X", "latent.Matrix|table", "a matrix, a vector or a view of one; for npz and safetensors a table of them "
        .. "by name" },
      { "options", "table?", "see options" },
    },
    options = {
      { "format", "string", "the path's ending", "the ending that the path hasn't, as for latent.read" },
      { "columns", "string[]", "none", "names for a header; names is the same" },
      { "names", "string[]", "none", "names for a header" },
      { "labels", "(string|integer)[]|latent.Matrix", "none", "one a row: a column behind the numbers, which "
        .. "latent.read finds as labels where it is text" },
      { "classes", "string[]", "none", "what labels that are numbers stand for" },
      { "label", "string", '"label"', "the name of that column in a header" },
      { "delimiter", "string", '","', "one character; .tsv and .txt have a tab by default; ; beside a decimal comma" },
      { "decimal", "string", '"."', 'the point of numbers: "." or ","' },
      { "missing", "string", '"NA"', "what is written for NaN" },
      { "channels", "integer", "1", "for images: 1 grey, 2 with opacity, 3 red, green and blue, 4 with opacity" },
      { "bits", "integer", "8", "for images: of a sample, 8 or 16" },
      { "range", "number[]", "{0, 1}, {0, 255} or, with bits = 16, {0, 65535}", "for images: the numbers that are "
        .. "black and white" },
      { "metadata", "table", "none", "for safetensors: strings by name" },
    },
    returns = {
      { "boolean?", "true; nil when the file can't be written" },
      { "string?", "then, the message" },
    },
    text = "Numbers in text have as many digits as it takes to read the same bits back.",
    example = [[
local path = os.tmpname() .. ".csv"
latent.write(path, matrix.eye(3), { names = { "a", "b", "c" }, labels = { "x", "y", "x" } })
local A, about = latent.read(path)   -- about.labels, about.columns]],
  },
  {
    name = "latent.open",
    summary = "Maps an npy file: a matrix whose elements stay in the file, which may be larger than memory.",
    args = {
      { "path", "string", "ends in .npy; with rows, .idx or ubyte, too" },
      { "options", "table?", "see options" },
    },
    options = {
      { "format", "string", "the path's ending", '"npy", for a path with another ending' },
      { "rows", "latent.Comm", "nil", "this rank's part of the rows only (see ranks): what can't be mapped is "
        .. "converted; without any rows, a function that gives nothing" },
    },
    returns = {
      { "latent.Matrix?", "a view of the file, to read only; copy() makes a matrix of one's own" },
      { "string?", "the message, when there is none" },
    },
    text = [[
The file must hold f8 or f4 elements in this machine's byte order; latent.read converts others. Both C and
Fortran order are views by strides; elements that lie askew in the file (NumPy aligns them) and joined axes in
Fortran order take a copy. The file must not be truncated while it is open: reading what is gone ends
the process (SIGBUS). Replace files instead, as latent.write does.]],
    example = 'local X, message = latent.open "huge.npy"',
  },
}
