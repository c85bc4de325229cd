(function_definition
  name: (identifier) @name
  parameters: (parameters) @parameters
  body: (_) @body) @function

(class_definition
  name: (identifier) @name) @class
