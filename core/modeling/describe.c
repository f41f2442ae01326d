/* describe.c: a model's description as JSON; see describe.h. */
#include "modeling/describe.h"

#include <string.h>

#include "files/json.h"

static const char *const arguments[] = {
    [LAT_TAKES_OTHER] = "other",
    [LAT_TAKES_ROWS] = "rows",
    [LAT_TAKES_ROWS_AND_Q] = "rows and q",
    [LAT_TAKES_LATENT] = "latent",
    [LAT_TAKES_LATENT_AND_LABELS] = "latent and labels",
    [LAT_TAKES_COUNT] = "count",
    [LAT_TAKES_COMPONENT] = "component",
    [LAT_TAKES_MODEL] = "model",
    [LAT_TAKES_DATA] = "data",
    [LAT_TAKES_DATA_AND_SECONDS] = "data and seconds",
    [LAT_TAKES_NOTHING] = "nothing",
};
static const char *const shapes[] = {[LAT_GIVES_NUMBERS] = "numbers",
                                     [LAT_GIVES_LABELS] = "labels",
                                     [LAT_GIVES_ROWS] = "rows",
                                     [LAT_GIVES_ALIKE] = "alike",
                                     [LAT_GIVES_NUMBER] = "number",
                                     [LAT_GIVES_MEAN] = "number",
                                     [LAT_GIVES_AIC] = "number",
                                     [LAT_GIVES_BIC] = "number",
                                     [LAT_GIVES_COVARIANCE] = "covariance"};
static const char *const size_names[LAT_SIZES] = {"", "D", "K", "M", "U"};

/* A member of an object, after a comma unless it is the first. */
static void put_key(lat_json_text *j, const char *before, const char *name)
{
  lat_json_put(j, before);
  lat_json_put_string(j, (lat_text){name, strlen(name)});
  lat_json_put(j, ":");
}

static void put_word(lat_json_text *j, const char *before, const char *name, const char *value)
{
  put_key(j, before, name);
  lat_json_put_string(j, (lat_text){value, strlen(value)});
}

static void put_boolean(lat_json_text *j, const char *name, bool value)
{
  put_key(j, ",", name);
  lat_json_put(j, value ? "true" : "false");
}

static void put_option(lat_json_text *j, const lat_option *o)
{
  char text[80];
  put_word(j, "{", "name", o->name);
  put_word(j, ",", "type", lat_option_type_text(o, text, sizeof text));
  put_word(j, ",", "default", lat_option_default_text(o, text, sizeof text));
  bool bounds = o->type == LAT_SIZE || o->type == LAT_NUMBER || o->type == LAT_INTEGER ||
                o->type == LAT_SIZE_LIST || o->type == LAT_RANGE;
  if (bounds) {
    put_key(j, ",", "least");
    lat_json_put_number(j, o->least);
    put_key(j, ",", "most");
    lat_json_put_number(j, o->most);
  }
  for (int i = 0; o->type == LAT_CHOICE && o->choices[i]; i++) {
    if (i == 0) put_key(j, ",", "choices");
    lat_json_put(j, i ? "," : "[");
    lat_json_put_string(j, (lat_text){o->choices[i], strlen(o->choices[i])});
  }
  lat_json_put(j, o->type == LAT_CHOICE ? "]}" : "}");
}

/* The list of a method's, with `out`, or a model's (NULL). */
static void put_options(lat_json_text *j, const lat_option *table, const lat_method *method)
{
  static const lat_option one = LAT_OPTION_GIVEN("out", "latent.Matrix?"),
                          several = LAT_OPTION_GIVEN("out", "latent.Matrix|table?");
  const char *comma = "";
  put_key(j, ",", "options");
  lat_json_put(j, "[");
  for (; table && table->name; table++, comma = ",") {
    lat_json_put(j, comma);
    put_option(j, table);
  }
  if (method && lat_method_has_out(method)) {
    lat_json_put(j, comma);
    put_option(j, method->outputs[1].shape ? &several : &one);
  }
  lat_json_put(j, "]");
}

static void put_method(lat_json_text *j, const lat_method *m)
{
  put_word(j, "{", "name", m->name);
  put_word(j, ",", "takes", arguments[m->argument]);
  put_boolean(j, "missing", m->missing);
  put_key(j, ",", "gives");
  lat_json_put(j, "[");
  for (int i = 0; m->outputs[i].shape; i++) {
    put_word(j, i ? ",{" : "{", "shape", shapes[m->outputs[i].shape]);
    if (m->outputs[i].size) put_word(j, ",", "size", size_names[m->outputs[i].size]);
    lat_json_put(j, "}");
  }
  lat_json_put(j, "]");
  put_options(j, m->options, m);
  lat_json_put(j, "}");
}

/* The table of a model with the default options. */
static lat_status parameters_of(lat_workspace *work, const lat_model *model,
                                const lat_parameter **table)
{
  LAT_SCOPE(work);
  *table = NULL;
  void *options = lat_allocate(work, model->options_size, 1);
  if (!options) return LAT_MEMORY;
  lat_model_defaults(model, options);
  if (model->parameters) *table = model->parameters(options);
  return LAT_OK;
}

static void put_parameters(lat_json_text *j, const lat_parameter *table)
{
  put_key(j, ",", "parameters");
  lat_json_put(j, "[");
  for (const lat_parameter *p = table; p && p->name; p++) {
    put_word(j, p == table ? "{" : ",{", "name", p->name);
    put_key(j, ",", "shape");
    lat_json_put(j, "[");
    for (int i = 0; i < 3 && p->shape[i]; i++) {
      const char *size = size_names[p->shape[i]];
      lat_json_put(j, i ? "," : "");
      lat_json_put_string(j, (lat_text){size, strlen(size)});
    }
    lat_json_put(j, "]}");
  }
  lat_json_put(j, "]");
}

lat_status lat_model_describe(lat_workspace *work, const lat_model *model, const char **text)
{
  const lat_parameter *parameters;
  LAT_TRY(parameters_of(work, model, &parameters));
  lat_json_text j = {.work = work};
  put_word(&j, "{", "name", model->name);
  put_boolean(&j, "missing", model->missing);
  put_options(&j, model->options, NULL);
  put_parameters(&j, parameters);
  put_key(&j, ",", "methods");
  lat_json_put(&j, "[");
  for (const lat_method *m = model->methods; m->name; m++) {
    if (m != model->methods) lat_json_put(&j, ",");
    put_method(&j, m);
  }
  lat_json_put(&j, "]}");
  LAT_TRY(j.status);
  char *copy = lat_allocate(work, j.n + 1, 1);
  if (!copy) return LAT_MEMORY;
  memcpy(copy, j.at, j.n);
  copy[j.n] = '\0';
  *text = copy;
  return LAT_OK;
}
