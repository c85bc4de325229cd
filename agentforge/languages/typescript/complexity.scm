; inherits: javascript
(required_parameter "=" @decision)
