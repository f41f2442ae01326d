-- Matrices as text.

return {
  {
    name = "Matrix:__tostring",
    summary = "The matrix as print shows it: aligned columns, cut to the screen.",
    args = {},
    returns = { { "string", "lines of text; the last one tells shape and dtype" } },
    text = [[
All elements have one notation, which the shown ones decide; the others are not looked at. Integers have no decimals.
Other numbers have four; when the largest is below 0.01, or 100000 and more, all are divided by the power of ten in a
first line such as "1e+06 *". Where a row or a column of small numbers would be lost by that, notation is scientific:
1.2346e-07. 0 is an exact zero, 0.0000 one that was rounded. Of what exceeds 20 lines or 80 characters the edges are
shown, with ... between them.

A vector fills lines from left to right; when it needs several, they hold 10 or 20 elements where so many fit.
A:format has other limits.]],
    example = "print(matrix{ {1, 0.5}, {0.25, 0} })",
  },
  {
    name = "Matrix:format",
    summary = "The matrix as text, as print shows it but with limits of one's own.",
    args = { { "options", "table?", "see options" } },
    options = {
      { "digits", "integer", "4", "digits after the point, 0 to 17; integers have none" },
      { "width", "integer", "80", "characters in a line; at least one column is shown" },
      { "rows", "integer", "20", "lines of elements; at least one is shown" },
    },
    returns = { { "string", "lines of text; the last one tells shape and dtype" } },
    text = "All rows are shown by rows = #A, all columns by width = math.maxinteger.",
    example = "print(A:format{ digits = 8, rows = #A })",
  },
}
