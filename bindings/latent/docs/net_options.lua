-- Rows of options that all models with nets have, in the order of the core's tables: after `rows`, and before the
-- meanings of dtype and seed, which differ.
return function(rows, dtype, seed)
  for _, row in ipairs {
    { "activation", 'of hidden layers: "linear", "relu", "leaky_relu", "elu", "tanh", "sigmoid", "softplus", '
      .. '"silu" or "gelu"' },
    { "optimizer", '"adam", "adamw", "adamax", "rmsprop" or "sgd"' },
    { "learning_rate", "the step's size" },
    { "beta1", "the optimizer's first decay (SGD: momentum, 0)" },
    { "beta2", "its second decay (RMSprop: 0.99)" },
    { "epsilon", "what it divides by at least" },
    { "weight_decay", "(AdamW: 0.01)" },
    { "clip", "the gradient's largest norm; 0 is none" },
    { "schedule", '"cosine": the learning rate falls to 0 in schedule_steps steps' },
    { "schedule_steps", "steps of the schedule" },
    { "warm_up", "steps in which the learning rate rises from 0" },
    { "init", 'first weights: "torch", "he", "glorot", "lecun", "orthogonal", "zero" or "auto", as for nn.linear' },
    { "dtype", dtype },
    { "seed", seed },
  } do rows[#rows + 1] = row end
  return rows
end
