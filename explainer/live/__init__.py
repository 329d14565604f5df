"""Training in the reader's browser: small sequence models, their gradients, an optimiser and games to learn, in numpy.

    nets       the models: forward, backward, and one token at a time
    today      the same with the parts of GPT-2 or of models of today: norms, places, MLP, shared keys
    latent     a loop without words: one layer that hands on its last vector instead of a token
    depth      learners of the shell game by their number of layers, trained beforehand
    adamw      the optimiser
    tasks      what there is to learn: seeded streams of examples, and how to tell who has learnt it
    trainer    the loop that puts the three together, in slices of time, with checkpoints to go back to

One letter for one axis, everywhere: `B` examples of a batch, `T` tokens of each, `R` places at which an answer is asked
for, `D` width of the residual stream, `H` heads, `K` width of a head, `F` width of the MLP, `V` tokens that can be
read, `C` answers that can be given, `L` layers.
"""
