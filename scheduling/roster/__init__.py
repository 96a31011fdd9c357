"""Who works when: what a week asks for, the fairest way to meet it, and in words what can't be met."""
